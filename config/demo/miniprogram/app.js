const { createPosthorn } = require("./lib/posthorn.miniprogram.js");
const { url, getTicket } = require("./config.js");

App({
  onLaunch() {
    // One connection for all pages: it goes on while they come and go, and survives the background.
    this.posthorn = createPosthorn({ url, getTicket });
  },
});
