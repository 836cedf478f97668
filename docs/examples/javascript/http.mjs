// HTTP (section 7): what is answered, and how others are asked.

import { lookup } from "node:dns";
import { createServer, request as plainRequest } from "node:http";
import { request as tlsRequest } from "node:https";
import { BlockList, isIP } from "node:net";
import { CONTENT_TYPE, MESSAGE_BYTES_MAX } from "./envelope.mjs";

const REQUEST_MS_MAX = 5_000, ANSWER_BYTES_MAX = 65_536;

/** A server of `GET /.well-known/handclasp` and `POST /peer`; `hear` gives { status, type, body } for an envelope. */
export function serve(path, info, hear) {
  const server = createServer((request, response) => {
    const answer = (status, body = "", type = "text/plain") => {
      if (response.headersSent) return;
      response.writeHead(status, { "Content-Type": type, "Content-Length": Buffer.byteLength(body), Connection: "close" });
      response.end(body);
    };
    const where = new URL(request.url, "http://here").pathname;
    if (where === `${path}/.well-known/handclasp`) {
      return request.method === "GET" ? answer(200, info(), "application/json") : answer(405);
    }
    if (where !== `${path}/peer`) return answer(404);
    if (request.method !== "POST") return answer(405);
    const type = (request.headers["content-type"] ?? "").split(";")[0].trim().toLowerCase();
    if (type !== CONTENT_TYPE || "content-encoding" in request.headers) return answer(415);
    const length = request.headers["content-length"];
    if (length === undefined) return answer(411);
    if (Number(length) > MESSAGE_BYTES_MAX) return answer(413);
    const timer = setTimeout(() => answer(408), REQUEST_MS_MAX);
    const parts = [];
    request.on("data", (part) => parts.push(part));
    request.on("error", () => clearTimeout(timer));
    request.on("end", () => {
      clearTimeout(timer);
      const { status, body, type: answerType } = hear(Buffer.concat(parts));
      answer(status, body, answerType);
    });
    return undefined;
  });
  return server;
}

/** { status, headers, body }; throws where none is had. No redirect is followed, nothing is decompressed. */
export function ask(method, url, own, body = null) {
  const target = new URL(url), isTls = target.protocol === "https:";
  const headers = { "Accept-Encoding": "identity" };
  if (body) Object.assign(headers, { "Content-Type": CONTENT_TYPE, "Content-Length": body.length });
  return new Promise((resolve, reject) => {
    const host = target.hostname.replace(/^\[|\]$/g, "");
    if (isIP(host)) judge(host, isTls, own);
    const judged = (name, options, done) =>
      lookup(name, { ...options, all: true }, (error, found) => {
        if (error) return done(error);
        try {
          for (const { address } of found) judge(address, isTls, own);
        } catch (refusal) {
          return done(refusal);
        }
        return options.all ? done(null, found) : done(null, found[0].address, found[0].family);
      });
    const asked = (isTls ? tlsRequest : plainRequest)(url, { method, headers, lookup: judged, agent: false });
    const timer = setTimeout(() => asked.destroy(new Error("no answer in time")), REQUEST_MS_MAX);
    asked.on("error", (error) => (clearTimeout(timer), reject(error)));
    asked.on("response", (response) => {
      const parts = [];
      let length = 0;
      response.on("data", (part) => {
        parts.push(part);
        if ((length += part.length) > ANSWER_BYTES_MAX) asked.destroy(new Error("the answer is too long"));
      });
      response.on("error", reject);
      response.on("end", () => {
        clearTimeout(timer);
        resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(parts) });
      });
    });
    asked.end(body ?? undefined);
  });
}

// Which addresses may be called: https, or http to loopback; none that is less public than this node's own.

const NEVER = new BlockList(), PRIVATE = new BlockList(), LOOPBACK = new BlockList();
for (const [list, ...networks] of [
  [NEVER, "0.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "240.0.0.0/4", "100.100.100.200/32", "::/128", "fe80::/10", "ff00::/8"],
  [PRIVATE, "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"],
  [LOOPBACK, "127.0.0.0/8", "::1/128"],
]) {
  for (const network of networks) {
    const [address, bits] = network.split("/");
    list.addSubnet(address, Number(bits), address.includes(":") ? "ipv6" : "ipv4");
  }
}

export function reach(address) {
  const kind = isIP(address) === 6 ? "ipv6" : "ipv4";
  if (NEVER.check(address, kind)) return -1;
  return LOOPBACK.check(address, kind) ? 0 : PRIVATE.check(address, kind) ? 1 : 2;
}

function judge(address, isTls, own) {
  const reached = reach(address);
  if (reached < own || (!isTls && reached > 0)) throw new Error(`${address} may not be called`);
}
