// Keys (section 3): Ed25519 by Node's own crypto, and the check of public keys that it does not make.

import { createHash, createPrivateKey, createPublicKey, sign, verify } from "node:crypto";

const PRIVATE = Buffer.from("302e020100300506032b657004220420", "hex"); // PKCS #8 before the seed, RFC 8410
const PUBLIC = Buffer.from("302a300506032b6570032100", "hex"); // SubjectPublicKeyInfo before the key
export const DOMAIN = {
  message: Buffer.from("handclasp/1 message\0"),
  invitation: Buffer.from("handclasp/1 invitation\0"),
  proof: Buffer.from("handclasp/1 proof\0"),
  invitationKey: Buffer.from("handclasp/1 invitation key\0"),
};

export const sha256 = (...parts) => createHash("sha256").update(Buffer.concat(parts)).digest();

export class KeyPair {
  #secret;
  constructor(seed) {
    this.#secret = createPrivateKey({ key: Buffer.concat([PRIVATE, seed]), format: "der", type: "pkcs8" });
    this.public = createPublicKey(this.#secret).export({ format: "der", type: "spki" }).subarray(-32);
  }
  sign(domain, ...data) {
    return sign(null, Buffer.concat([domain, ...data]), this.#secret);
  }
}

export function isSigned(key, signature, domain, ...data) {
  if (key.length !== 32 || signature.length !== 64 || !isAcceptable(key)) return false;
  const held = createPublicKey({ key: Buffer.concat([PUBLIC, key]), format: "der", type: "spki" });
  return verify(null, Buffer.concat([domain, ...data]), held, signature);
}

export const toJwk = (key) => ({ kty: "OKP", crv: "Ed25519", x: key.toString("base64url") });

export function fromJwk(jwk) {
  if (jwk?.kty !== "OKP" || jwk.crv !== "Ed25519" || typeof jwk.x !== "string") return null;
  const key = Buffer.from(jwk.x, "base64url");
  return key.toString("base64url") === jwk.x && isAcceptable(key) ? key : null;
}

export const thumbprint = (key) =>
  sha256(Buffer.from(`{"crv":"Ed25519","kty":"OKP","x":"${key.toString("base64url")}"}`));

export const addressee = (key) => thumbprint(key).subarray(0, 16);

// A canonical point of the main subgroup: RFC 8032, 5.1.3 and 5.1.4, in extended coordinates.

const P = 2n ** 255n - 19n, L = 2n ** 252n + 27742317777372353535851937790883648493n;
const mod = (a) => ((a % P) + P) % P;
const power = (base, exponent) => {
  let result = 1n;
  for (base = mod(base); exponent; exponent >>= 1n, base = mod(base * base)) if (exponent & 1n) result = mod(result * base);
  return result;
};
const D = mod(-121665n * power(121666n, P - 2n)), ROOT = power(2n, (P - 1n) / 4n);
const NEUTRAL = [0n, 1n, 1n, 0n];

function add([x1, y1, z1, t1], [x2, y2, z2, t2]) {
  const a = mod((y1 - x1) * (y2 - x2)), b = mod((y1 + x1) * (y2 + x2));
  const c = mod(2n * D * t1 * t2), d = mod(2n * z1 * z2);
  const [e, f, g, h] = [b - a, d - c, d + c, b + a];
  return [mod(e * f), mod(g * h), mod(f * g), mod(e * h)];
}

function times(scalar, point) {
  let result = NEUTRAL;
  for (; scalar; scalar >>= 1n, point = add(point, point)) if (scalar & 1n) result = add(result, point);
  return result;
}

const isNeutral = ([x, y, z]) => x === 0n && y === z;

const judged = new Map();

export function isAcceptable(key) {
  if (key.length !== 32) return false;
  const name = key.toString("hex");
  if (!judged.has(name)) {
    if (judged.size > 10_000) judged.clear();
    judged.set(name, isInMainSubgroup(key));
  }
  return judged.get(name);
}

function isInMainSubgroup(key) {
  const bits = BigInt(`0x${Buffer.from(key).reverse().toString("hex")}`);
  const y = bits & (2n ** 255n - 1n), sign = bits >> 255n;
  if (y >= P) return false;
  const u = mod(y * y - 1n), v = mod(D * y * y + 1n);
  let x = mod(u * power(v, 3n) * power(u * power(v, 7n), (P - 5n) / 8n));
  if (mod(v * x * x) !== u) x = mod(x * ROOT);
  if (mod(v * x * x) !== u || (x === 0n && sign === 1n)) return false;
  if ((x & 1n) !== sign) x = mod(-x);
  const point = [x, y, 1n, mod(x * y)];
  return !isNeutral(times(8n, point)) && isNeutral(times(L, point));
}
