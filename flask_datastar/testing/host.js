// The functions of the host, by name, which take and return text, numbers, booleans and null.

const host = {};
const hostCall = globalThis.__host;
delete globalThis.__host;
// A text that was put together from parts does not pass before it is one (short ones always are), and NUL would end it.
const flat = (value) => {
  if (typeof value !== "string") return value;
  const text = value.length < 256 ? value : [value].join("");
  return text.includes("\0") ? text.replaceAll("\0", "\ufffd") : text;
};
// Thousands of calls make a page: most have one value or two. What is not given at the end is not passed.
const provide = (names) => {
  for (const name of Object.keys(host)) delete host[name];
  names.forEach((name, number) => {
    host[name] = (one, two, ...more) => {
      let result;
      if (more.length) result = hostCall(number, flat(one), flat(two), ...more.map(flat));
      else if (two !== undefined) result = hostCall(number, flat(one), flat(two));
      else result = one === undefined ? hostCall(number) : hostCall(number, flat(one));
      if (typeof result === "string" && result[0] === "\x01") throw new Error(result.slice(1));
      return result;
    };
  });
};
