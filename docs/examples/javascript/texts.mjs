// Names and URLs (section 4): the normal form, or null for what is refused.

const SPACE = "\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";
const ENDS = new RegExp(`^[${SPACE}]+|[${SPACE}]+$`, "gu");
const REFUSED = new RegExp(
  "[\\p{Cc}\\p{Cf}\\p{Zl}\\p{Zp}\\p{Cs}\\p{Co}\\u034f\\u115f\\u1160\\u17b4\\u17b5\\u180b-\\u180d\\u180f\\u2800\\u3164" +
    "\\uffa0\\u2065\\ufdd0-\\ufdef\\ufff0-\\ufff8\\u{e0000}-\\u{e0fff}]",
  "u",
);

export function name(text, charactersMax = 64) {
  const normal = text.replace(ENDS, "").normalize("NFC");
  const points = [...normal];
  if (!points.length || points.length > charactersMax || REFUSED.test(normal)) return null;
  return points.some((one) => (one.codePointAt(0) & 0xfffe) === 0xfffe) ? null : normal;
}

const URL_FORM = new RegExp(
  "^(https?)://(\\[[0-9a-f:.]+\\]|[a-z0-9_.-]+)(?::([0-9]{1,5}))?((?:/(?:[a-z0-9._~!$&'()*+,;=:@/-]|%[0-9a-f]{2})*)?)$",
  "i",
);

export function url(text) {
  const found = URL_FORM.exec(text.replace(ENDS, ""));
  if (!found || found[0].length > 255) return null;
  const scheme = found[1].toLowerCase(), path = found[4];
  const host = hostOf(found[2].toLowerCase());
  const port = found[3] === undefined ? null : Number(found[3]);
  if (host === null || port === 0 || port > 65535) return null;
  if (path.split("/").some((segment) => segment === "." || segment === "..")) return null;
  const shown = port === null || port === { http: 80, https: 443 }[scheme] ? "" : `:${port}`;
  return `${scheme}://${host}${shown}${path.replace(/\/+$/, "")}`;
}

function hostOf(host) {
  if (host.startsWith("[")) {
    return URL.canParse(`http://${host}`) ? new URL(`http://${host}`).hostname : null;
  }
  const labels = host.split(".");
  return host.length <= 253 && labels.every((one) => /^(?!-)[a-z0-9_-]{1,63}(?<!-)$/.test(one)) ? host : null;
}
