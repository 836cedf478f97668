// Speaking (section 14): what is owed is said until it is echoed, with the retries of section 7.

import { CONTENT_TYPE, Refused, readAnswer } from "./envelope.mjs";
import { ask } from "./http.mjs";
import { fromJwk } from "./keys.mjs";

const BACKOFF_MS_FIRST = 500, BACKOFF_MS_MAX = 3_600_000, RESYNC_MS = 86_400_000, NODE_INFO_BYTES_MAX = 16_384;

class NoAnswer extends Error {
  constructor(why, retryAfter = "") {
    super(why);
    const until = /^\d+$/.test(retryAfter) ? Number(retryAfter) * 1000 : Date.parse(retryAfter) - Date.now();
    this.waitMs = Math.min(Math.max(until || 0, 0), BACKOFF_MS_MAX);
  }
}

/** Node info at a URL (section 5): one redirect, and once more at the node URL that it names. */
export async function readInfo(url, own) {
  let answer = await ask("GET", `${url}/.well-known/handclasp`, own);
  if ([301, 302, 303, 307, 308].includes(answer.status)) answer = await ask("GET", new URL(answer.headers.location, url).href, own);
  const info = infoOf(answer);
  if (!info.node_url || info.node_url === url) return info;
  const there = infoOf(await ask("GET", `${info.node_url}/.well-known/handclasp`, own));
  if (there.key.x !== info.key.x || there.node_url !== info.node_url) throw new Error("two URLs, two nodes");
  return there;
}

function infoOf({ status, body }) {
  if (status !== 200 || body.length > NODE_INFO_BYTES_MAX) throw new NoAnswer("no node info there");
  const info = JSON.parse(body);
  if (info?.kind !== "servicenow" || !info.protocol_versions?.includes(1) || fromJwk(info.key) === null) {
    throw new NoAnswer("no node of this protocol there");
  }
  return info;
}

export class Delivery {
  #node;
  #talks = new Map(); // by connection: { isBusy, isPoked, restate, doublings, timer }
  #shown = new Set(); // URLs whose node info has shown the partner's key, until something fails there

  constructor(node) {
    this.#node = node;
  }

  /** Something may be owed there: try at once. */
  wake(name) {
    const talk = this.#talkOf(name);
    if (talk.isBusy) talk.isPoked = true;
    else this.#run(name, talk);
  }

  /** A verified envelope of that key has come: what waits for it is tried at once. */
  heardFrom(key) {
    for (const name of this.#node.names()) if (this.#node.recipientOf(this.#node.held(name))?.equals(key)) this.wake(name);
  }

  /** Every living connection is stated once, now and about every day. */
  resync() {
    for (const name of this.#node.names()) {
      this.#talkOf(name).restate = this.#node.held(name).record.mine.phase !== "closed";
      this.wake(name);
    }
    setTimeout(() => this.resync(), RESYNC_MS * (0.9 + Math.random() / 5));
  }

  #talkOf(name) {
    if (!this.#talks.has(name)) this.#talks.set(name, { isBusy: false, isPoked: false, restate: false, doublings: 0, timer: null });
    return this.#talks.get(name);
  }

  async #run(name, talk) {
    clearTimeout(talk.timer);
    talk.isBusy = true;
    let waitMs = null;
    do {
      talk.isPoked = false;
      const held = this.#node.held(name);
      const isWanted = held !== null && (held.record.owed || talk.restate);
      if (!isWanted || !held.partner_url || !this.#node.recipientOf(held)) {
        talk.doublings = 0;
        waitMs = null;
        break;
      }
      waitMs = await this.#try(name, held, talk);
    } while (talk.isPoked || waitMs === 0);
    talk.isBusy = false;
    if (waitMs === null) return;
    talk.timer = setTimeout(() => {
      talk.doublings = Math.min(talk.doublings + 1, 20);
      this.#run(name, talk);
    }, waitMs);
  }

  /** Ask once; how long to wait before the next try: 0, none. */
  async #try(name, held, talk) {
    let leastMs = 0;
    try {
      await this.#exchange(held);
      talk.restate = false;
      talk.doublings = 0;
      const after = this.#node.held(name);
      if (!after?.record.owed || after.record.mine.revision !== held.record.mine.revision) return 0;
    } catch (error) {
      this.#shown.delete(held.partner_url);
      leastMs = error.waitMs ?? 0;
    }
    const limitMs = Math.min(BACKOFF_MS_FIRST * 2 ** talk.doublings, BACKOFF_MS_MAX);
    return Math.max(Math.random() * limitMs, leastMs, 1);
  }

  async #exchange(held) {
    const { me, own, questionOf, recipientOf, roleOf, takeIn } = this.#node;
    const { partner_url: url } = held, recipient = recipientOf(held);
    if (!this.#shown.has(url)) {
      const info = infoOf(await ask("GET", `${url}/.well-known/handclasp`, own));
      if (!fromJwk(info.key).equals(recipient)) throw new NoAnswer("another node answers there");
      this.#shown.add(url);
    }
    const question = questionOf(held);
    const answer = await ask("POST", `${url}/peer`, own, question.data);
    const type = (answer.headers["content-type"] ?? "").split(";")[0].trim().toLowerCase();
    if (answer.status !== 200 || type !== CONTENT_TYPE) throw new NoAnswer(`HTTP ${answer.status}`, answer.headers["retry-after"]);
    try {
      const message = readAnswer(answer.body, me, { id: question.id, connection: held.connection, role: roleOf(held) });
      if (!message.sender.equals(recipient)) throw new NoAnswer("another node answered");
      takeIn(message, true);
    } catch (error) {
      throw error instanceof Refused ? new NoAnswer(error.message) : error;
    }
  }
}
