/** Your computer's address in the LAN of the phone, and the port of the server. */
const SERVER = "192.168.1.10:8077";

/** Without TLS and without a listed domain, which a phone takes for an address in its own LAN only. */
exports.url = `ws://${SERVER}`;

/** What lets the user in; `serve --dev` lets everyone in. */
exports.getTicket = undefined;

/** The devices to show. `serve --dev` tells everyone of all; yours come from your backend. */
exports.loadDevices = () =>
  new Promise((resolve, reject) => {
    wx.request({
      url: `http://${SERVER}/demo/devices`,
      success: ({ statusCode, data }) => {
        if (statusCode === 200) resolve(data.devices);
        else reject(new Error(`${statusCode}`));
      },
      fail: ({ errMsg }) => reject(new Error(errMsg)),
    });
  });
