// @ts-check
// Elements, and numbers as people read them. Text is always put in as text.

const SVG = "http://www.w3.org/2000/svg";

/**
 * An element with attributes and children. Functions become listeners.
 * @param {string} tag
 * @param {Record<string, any>} [attributes]
 * @param {(Node | string)[]} children
 * @returns {HTMLElement}
 */
export function h(tag, attributes = {}, ...children) {
  return /** @type {HTMLElement} */ (filled(document.createElement(tag), attributes, children));
}

/**
 * The same of SVG.
 * @param {string} tag
 * @param {Record<string, any>} [attributes]
 * @param {(Node | string)[]} children
 * @returns {SVGElement}
 */
export function s(tag, attributes = {}, ...children) {
  return /** @type {SVGElement} */ (filled(document.createElementNS(SVG, tag), attributes, children));
}

/** @param {Element} element @param {Record<string, any>} attributes @param {(Node | string)[]} children */
function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value !== undefined && value !== null && value !== false) element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children);
  return element;
}

/** The element of an id. @param {string} id @returns {any} */
export const byId = (id) => document.getElementById(id);

/** Puts text in, where it is another. @param {Element} element @param {string} text */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Sets an attribute, where it is another. @param {Element} element @param {string} name @param {any} value */
export function setAttr(element, name, value) {
  const text = value === null || value === false ? null : value === true ? "" : String(value);
  if (text === null) { if (element.hasAttribute(name)) element.removeAttribute(name); }
  else if (element.getAttribute(name) !== text) element.setAttribute(name, text);
}

/**
 * Makes the children of an element those of a list, by their keys: those that stay are the same elements, so that focus stays.
 * @template T
 * @param {Element} parent @param {T[]} list @param {(item: T) => string} key
 * @param {(item: T) => Element} make @param {(element: any, item: T) => void} update
 */
export function keyed(parent, list, key, make, update) {
  const old = new Map();
  for (const child of parent.children) old.set(child.getAttribute("data-key"), child);
  const times = new Map();
  let place = parent.firstElementChild;
  for (const item of list) {
    // Two of one key are told apart by their order.
    const time = (times.get(key(item)) ?? 0) + 1;
    times.set(key(item), time);
    const name = time === 1 ? key(item) : `${key(item)}#${time}`;
    let element = old.get(name);
    if (element) old.delete(name);
    else { element = make(item); element.setAttribute("data-key", name); }
    update(element, item);
    if (place && element === place) place = place.nextElementSibling;
    else parent.insertBefore(element, place);
  }
  for (const gone of old.values()) gone.remove();
}

/** A number that may not be known, with fixed decimals. @param {number | null | undefined} value @param {number} [decimals] */
export const fixed = (value, decimals = 1) => (value === null || value === undefined ? "–" : value.toFixed(decimals));

/** @param {number | null | undefined} value */
export const rate = (value) => `${fixed(value)}/s`;

/** @param {number | null | undefined} value */
export const millis = (value) => (value === null || value === undefined ? "–" : `${value.toFixed(1)} ms`);

/** @param {number | null | undefined} value */
export const percent = (value) => (value === null || value === undefined ? "–" : `${Math.round(value * 100)} %`);

/** @param {number | null | undefined} value */
export function bytes(value) {
  if (value === null || value === undefined) return "–";
  if (value < 1000) return `${value.toFixed(0)} B`;
  if (value < 1e6) return `${(value / 1e3).toFixed(1)} kB`;
  return `${(value / 1e6).toFixed(1)} MB`;
}

/** @param {number} seconds */
export function span(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  if (whole < 86400 * 2) return `${Math.floor(whole / 3600)} h ${Math.floor(whole / 60) % 60} min`;
  return `${Math.floor(whole / 86400)} days`;
}

/** A time of the day. @param {number} ms since 1970 @param {boolean} [seconds] */
export function clock(ms, seconds = true) {
  const at = new Date(ms);
  const two = (/** @type {number} */ n) => String(n).padStart(2, "0");
  const minutes = `${two(at.getHours())}:${two(at.getMinutes())}`;
  return seconds ? `${minutes}:${two(at.getSeconds())}` : minutes;
}

/** `1 request`, `2 requests`. @param {number} n @param {string} what */
export const counted = (n, what) => `${n.toLocaleString("en-US")} ${what}${n === 1 ? "" : "s"}`;
