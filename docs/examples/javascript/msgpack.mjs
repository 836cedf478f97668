// msgpack, as narrow as section 6 has it: arrays, binaries, UTF-8 strings, integers, booleans, nil.

const NESTING_MAX = 8, ARRAY_ITEMS_MAX = 256;

export class Malformed extends Error {}

export function pack(value) {
  if (value === null) return Buffer.from([0xc0]);
  if (typeof value === "boolean") return Buffer.from([value ? 0xc3 : 0xc2]);
  if (typeof value === "number") return packInteger(value);
  if (typeof value === "string") {
    const text = Buffer.from(value, "utf8");
    return Buffer.concat([header(text.length, [[31, 0xa0], [255, 0xd9], [65535, 0xda]]), text]);
  }
  if (Buffer.isBuffer(value)) return Buffer.concat([header(value.length, [[255, 0xc4], [65535, 0xc5]]), value]);
  return Buffer.concat([header(value.length, [[15, 0x90], [65535, 0xdc]]), ...value.map(pack)]);
}

function header(length, sizes) {
  for (const [max, tag] of sizes) {
    if (length > max) continue;
    if (max < 255) return Buffer.from([tag + length]);
    return max === 255 ? Buffer.from([tag, length]) : Buffer.from([tag, length >> 8, length & 255]);
  }
  throw new RangeError("too long to be packed");
}

function packInteger(number) {
  if (number < 128) return Buffer.from([number]);
  if (number < 1 << 8) return Buffer.from([0xcc, number]);
  const data = Buffer.alloc(9);
  if (number < 1 << 16) return (data[0] = 0xcd, data.writeUInt16BE(number, 1), data.subarray(0, 3));
  if (number < 2 ** 32) return (data[0] = 0xce, data.writeUInt32BE(number, 1), data.subarray(0, 5));
  return (data[0] = 0xcf, data.writeBigUInt64BE(BigInt(number), 1), data);
}

// Integers beyond 2^53 come out as null-prototype markers: no field takes them, an ignored tail may hold them.
export const TOO_LARGE = Symbol("an integer beyond 2^53");

export function unpack(data) {
  let at = 0;
  const take = (count) => {
    if (at + count > data.length) throw new Malformed("the data end too early");
    return data.subarray(at, (at += count));
  };
  const number = (count) => take(count).readUIntBE(0, count);
  const wide = (value) => (value > -(2n ** 53n) && value < 2n ** 53n ? Number(value) : TOO_LARGE);
  const text = (count) => {
    try {
      return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(take(count));
    } catch (error) {
      throw error instanceof Malformed ? error : new Malformed("a string is not UTF-8");
    }
  };
  const array = (count, depth) => {
    if (depth > NESTING_MAX || count > ARRAY_ITEMS_MAX) throw new Malformed("an array is too deep or too long");
    return Array.from({ length: count }, () => value(depth + 1));
  };
  const value = (depth) => {
    const tag = number(1);
    if (tag < 0x80) return tag;
    if (tag >= 0xe0) return tag - 256;
    if (tag >= 0x90 && tag < 0xa0) return array(tag & 15, depth);
    if (tag >= 0xa0 && tag < 0xc0) return text(tag & 31);
    switch (tag) {
      case 0xc0: return null;
      case 0xc2: return false;
      case 0xc3: return true;
      case 0xc4: return Buffer.from(take(number(1)));
      case 0xc5: return Buffer.from(take(number(2)));
      case 0xc6: return Buffer.from(take(number(4)));
      case 0xcc: return number(1);
      case 0xcd: return number(2);
      case 0xce: return number(4);
      case 0xcf: return wide(take(8).readBigUInt64BE());
      case 0xd0: return take(1).readInt8();
      case 0xd1: return take(2).readInt16BE();
      case 0xd2: return take(4).readInt32BE();
      case 0xd3: return wide(take(8).readBigInt64BE());
      case 0xd9: return text(number(1));
      case 0xda: return text(number(2));
      case 0xdb: return text(number(4));
      case 0xdc: return array(number(2), depth);
      case 0xdd: return array(number(4), depth);
      default: throw new Malformed("the protocol has no place for this type");
    }
  };
  const read = value(1);
  if (at !== data.length) throw new Malformed("bytes are left over");
  return read;
}
