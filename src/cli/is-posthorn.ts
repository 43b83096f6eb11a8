import { request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";

const ANSWER_MAX_MS = 2_000;
const ANSWER_MAX_CHARS = 1_000;

/**
 * Whether what listens there says of its health what Posthorn says. Not by `fetch`: the certificate
 * is not for the address, which is no matter between a machine and itself.
 */
export function isPosthorn(url: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const no = () => resolve(false);
  const request = url.startsWith("https:") ? requestHttps : requestHttp;
  const signal = AbortSignal.timeout(ANSWER_MAX_MS);
  const asked = request(url, { rejectUnauthorized: false, agent: false, signal }, (answer) => {
    let text = "";
    answer.setEncoding("utf8");
    answer.on("data", (chunk: string) => {
      text += chunk;
      if (text.length > ANSWER_MAX_CHARS) asked.destroy();
    });
    answer.on("end", () =>
      resolve(
        answer.statusCode === 200 &&
          /^\{"status":"ok",("certificate":"awaited",)?"server_time":\d+\}$/.test(text),
      ),
    );
    answer.on("error", no).on("close", no);
  });
  // Whatever keeps it from answering so: it is not Posthorn, or one that needs a look.
  asked.on("error", no).on("close", no);
  asked.end();
  return promise;
}
