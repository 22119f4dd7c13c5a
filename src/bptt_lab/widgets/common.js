// What all widgets share. Python puts this file in front of a widget's own and sends both as one ES
// module. No mathematics here: numbers come in as arrays, are looked up and drawn.

const SVG = "http://www.w3.org/2000/svg";
const NO_SHORTCUTS = "data-lm-suppress-shortcuts"; // JupyterLab would take the arrow keys away
let serial = 0;

// --- the numbers ---------------------------------------------------------------------------------

const KINDS = { f8: Float64Array, f4: Float32Array, i4: Int32Array };

/** An array from Python: `of(i, j)` is what stands there, a number or, with fewer indices, a part. */
function unpack({ kind, shape, data }) {
  let bytes;
  if (typeof data === "string") bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
  else bytes = new Uint8Array(data.buffer ?? data, data.byteOffset ?? 0, data.byteLength);
  const flat = new KINDS[kind](bytes.slice().buffer); // a copy, for it must be aligned
  return {
    shape,
    of(...index) {
      let offset = 0;
      let size = flat.length;
      index.forEach((i, axis) => {
        size /= shape[axis];
        offset += i * size;
      });
      return index.length === shape.length ? flat[offset] : flat.subarray(offset, offset + size);
    },
  };
}

// --- words and figures ---------------------------------------------------------------------------

/** A number in a few characters, with a true minus sign. */
function short(value, digits = 2) {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "–" : value > 0 ? "∞" : "−∞";
  if (Number.isInteger(value) && Math.abs(value) < 1e4) return String(value).replace("-", "−");
  const size = Math.abs(value);
  let text;
  if (size >= 1e4 || size < 1e-3) {
    const [mantissa, power] = value.toExponential(digits - 1).split("e");
    text = `${mantissa}e${Number(power)}`;
  } else text = value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : size < 0.01 ? digits + 1 : digits);
  return text.replaceAll("-", "−");
}

/** The same for cells: two decimals, and no zero before the point. */
function tight(value) {
  const small = value !== 0 && Math.abs(value) < 0.01;
  const text = small ? value.toFixed(2).replace("-", "−") : short(value);
  return text.replace(/^(−?)0\./, "$1.");
}

const SUB = "₀₁₂₃₄₅₆₇₈₉";
const sub = (n) => (n < 0 ? "₋" : "") + String(Math.abs(n)).replace(/\d/g, (d) => SUB[d]);

/** A word that stands in a room of that many units of a picture. */
function cropped(word, room) {
  const fits = Math.floor(room / 14.5);
  return word.length > fits ? `${word.slice(0, fits - 1)}…` : word;
}

// --- building the page ---------------------------------------------------------------------------

function html(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

function shape(parent, tag, attributes = {}, text) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text !== undefined) element.textContent = text;
  parent.append(element);
  return element;
}

/** Text in which "_τ" is a subscript: Unicode has no such letter. */
function formula(parent, attributes, text) {
  const [first, ...rest] = text.split("_");
  const element = shape(parent, "text", attributes, first);
  for (const part of rest) {
    shape(element, "tspan", { class: "subscript", dy: "0.35em" }, part[0]);
    shape(element, "tspan", { dy: "-0.25em" }, part.slice(1));
  }
}

/** Change an attribute only where it differs: most of a picture stays as it is from move to move. */
function put(element, name, value) {
  const text = String(value);
  if (element.getAttribute(name) !== text) element.setAttribute(name, text);
}

function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** The frame of a widget: title, question, controls, panels and the line that says the numbers. */
class Frame {
  constructor(root, facts, arrays, store) {
    this.facts = facts;
    this.arrays = arrays;
    this.store = store;
    this.draws = [];
    this.rows = []; // heights of the wide panels, and the largest of the others
    this.shared = 0;
    // each widget on a page is a module of its own, so a count would give the same id to several
    this.id = `bptt-${Math.random().toString(36).slice(2)}`;
    root.classList.add("bptt-widget");
    root.setAttribute("role", "group");
    root.setAttribute("aria-label", facts.title);
    root.setAttribute(NO_SHORTCUTS, "true");
    root.addEventListener("keydown", (event) => {
      if (event.target.matches("input, button")) event.stopPropagation();
    });
    this.root = root;
    this.present = html("button", { type: "button" }, "Present");
    this.present.addEventListener("click", () => this.#toggleLarge());
    root.addEventListener("fullscreenchange", () => {
      if (!document.fullscreenElement) this.#large(false);
    });
    this.controls = html("div", { class: "controls" });
    this.panels = html("div", { class: "panels" });
    this.live = html("p", { class: "live", role: "status", "aria-live": "polite" });
    root.append(
      html("div", { class: "head" }, html("strong", {}, facts.title), this.present),
      this.#question(facts.predict),
      this.controls,
      this.live,
      this.panels,
    );
  }

  #large(on) {
    this.root.classList.toggle("large", on);
    this.present.textContent = on ? "Leave presentation" : "Present";
    if (!on) this.#zoom(null);
  }

  #toggleLarge() {
    const on = !this.root.classList.contains("large");
    this.#large(on);
    if (on && document.fullscreenEnabled) this.root.requestFullscreen().catch(() => {});
    if (!on && document.fullscreenElement) document.exitFullscreen();
  }

  #question({ question, choices, answer, why }) {
    const reply = html("span", { class: "reply", role: "status" });
    const buttons = choices.map((choice, i) => {
      const button = html("button", { type: "button", "aria-pressed": "false" }, choice);
      button.addEventListener("click", () => {
        const again = button.getAttribute("aria-pressed") === "true"; // folds the reply away
        const chosen = again ? null : button;
        buttons.forEach((other) => other.setAttribute("aria-pressed", String(other === chosen)));
        const verdict = i === answer ? "✓ As you said." : "✗ It is otherwise.";
        reply.textContent = chosen ? `${verdict} ${why}` : "";
        this.set({});
      });
      return button;
    });
    const box = html("div", { class: "predict", role: "group" });
    box.setAttribute("aria-labelledby", `${this.id}-question`);
    const text = html("span", { id: `${this.id}-question` }, html("b", {}, "Predict: "), question);
    box.append(text, html("span", { class: "choices" }, ...buttons), reply);
    return box;
  }

  /** A move of a control. It also uncovers what the question asks for (class "answer"). */
  set(change) {
    this.store.set({ ...change, predicted: true });
  }

  /**
   * A native range input, for it brings keyboard, name and value along. `text(v)` says the value, and
   * `end(state)` where it ends now, if that is not always `max`.
   */
  slider(key, label, { min = 0, max, step = 1, text = String, play = false, end = () => max }) {
    const id = `${this.id}-${key}`;
    const input = html("input", { type: "range", id, min, max, step, name: key });
    input.setAttribute(NO_SHORTCUTS, "true");
    const value = html("output", { for: id });
    const name = html("label", { for: id }, label);
    const box = html("div", { class: "slider" }, name, input, value);
    input.addEventListener("input", () => this.set({ [key]: Number(input.value) }));
    const player = play ? this.#player(key, label, input) : null;
    if (player) box.append(player);
    this.controls.append(box);
    this.draws.push((state) => {
      put(input, "max", end(state)); // first, for a value beyond it would not be taken
      if (Number(input.value) !== state[key]) input.value = state[key];
      const said = text(state[key], state);
      say(value, said);
      put(input, "aria-valuetext", said);
    });
    const enable = (on) => [input, player].forEach((control) => control && (control.disabled = !on));
    return { input, name, enable };
  }

  /** A button that moves the slider step by step to where it ends now. */
  #player(key, label, input) {
    const button = html("button", { type: "button", class: "play" });
    const name = (sign, word) => {
      button.textContent = `${sign} ${word}`;
      button.setAttribute("aria-label", `${word}: ${label}`);
    };
    let timer = 0;
    const stop = () => {
      clearInterval(timer);
      timer = 0;
      name("▶", "Play");
    };
    stop();
    button.addEventListener("click", () => {
      if (timer) return stop();
      name("❚❚", "Pause");
      const ended = () => Number(input.value) >= Number(input.max);
      if (ended()) this.set({ [key]: Number(input.min) });
      timer = setInterval(() => {
        if (input.disabled || !button.isConnected) return stop();
        if (!ended()) this.set({ [key]: Number(input.value) + 1 });
        return ended() && stop();
      }, 700);
      return undefined;
    });
    return button;
  }

  /** Radio buttons; `options` are pairs of value and label. */
  choice(key, label, options) {
    const box = html("fieldset", { class: "choice" }, html("legend", {}, label));
    const inputs = options.map(([value, text]) => {
      const input = html("input", { type: "radio", name: `${this.id}-${key}`, value });
      input.setAttribute(NO_SHORTCUTS, "true");
      input.addEventListener("change", () => this.set({ [key]: value }));
      box.append(html("label", {}, input, html("span", {}, text)));
      return input;
    });
    this.controls.append(box);
    this.draws.push((state) => {
      inputs.forEach((input) => (input.checked = input.value === String(state[key])));
    });
  }

  /** A picture with its heading; `wide` ones take a row of their own. */
  panel(title, width, height, { wide = false, half = false, name = title } = {}) {
    const heading = html("span", {}, title);
    const zoom = html("button", { type: "button", class: "zoom", "aria-pressed": "false" }, "⤢");
    zoom.setAttribute("aria-label", `Enlarge: ${title}`);
    const kind = wide ? "panel wide" : half ? "panel half" : "panel";
    const figure = html("figure", { class: kind }, html("figcaption", {}, heading, zoom));
    zoom.addEventListener("click", () => this.#zoom(figure.classList.contains("zoomed") ? null : figure));
    const svg = shape(figure, "svg", { viewBox: `0 0 ${width} ${height}`, role: "img" });
    svg.setAttribute("aria-label", name);
    this.panels.append(figure);
    this.#share(wide, height);
    return { svg, heading };
  }

  /** On a full screen the rows share the height as their pictures need it. */
  #share(wide, height) {
    if (wide) this.rows.push(height);
    else this.shared = Math.max(this.shared, height);
    const rows = this.shared ? [...this.rows, this.shared] : this.rows;
    this.panels.style.setProperty("--rows", rows.map((h) => `minmax(0, ${h}fr)`).join(" "));
  }

  /** One panel alone, while presenting; null shows all again. */
  #zoom(chosen) {
    for (const figure of this.panels.children) {
      figure.classList.toggle("zoomed", figure === chosen);
      figure.querySelector(".zoom").setAttribute("aria-pressed", String(figure === chosen));
    }
    this.panels.classList.toggle("one", chosen !== null);
  }

  draw(update) {
    this.draws.push(update);
  }

  update() {
    this.root.classList.toggle("predicted", Boolean(this.store.state.predicted));
    for (const draw of this.draws) draw(this.store.state);
  }
}

/** Where the controls stand. Every view of a widget shares it; the kernel never hears of a move. */
function pageStore(state) {
  const store = {
    state,
    listen: (listener) => (store.changed = listener),
    set(change) {
      store.state = { ...store.state, ...change };
      store.changed();
    },
  };
  return store;
}

function modelStore(model) {
  return {
    get state() {
      return model.get("state");
    },
    listen(listener) {
      model.on("change:state", listener);
      return () => model.off("change:state", listener);
    },
    set(change) {
      model.set("state", { ...model.get("state"), ...change }); // never saved: no message is sent
    },
  };
}

function assemble(root, facts, packed, store) {
  const arrays = Object.fromEntries(Object.entries(packed).map(([n, a]) => [n, unpack(a)]));
  const frame = new Frame(root, facts, arrays, store);
  build(frame, facts, arrays); // every widget's own file defines it
  const forget = store.listen(() => frame.update());
  frame.update();
  return forget;
}

function renderInNotebook({ model, el }) {
  const root = html("div");
  el.append(root);
  return assemble(root, model.get("facts"), model.get("arrays"), modelStore(model));
}

function renderInPage({ facts, arrays, state }) {
  const root = document.querySelector("main").appendChild(html("div"));
  assemble(root, facts, arrays, pageStore(state));
  let frame = null;
  try {
    frame = window.frameElement; // the picture below is for readers without this script
  } catch {
    return; // a page of another origin around us: leave it alone
  }
  if (!frame) return;
  const fit = () => (frame.style.height = `${document.documentElement.offsetHeight + 4}px`);
  new ResizeObserver(fit).observe(root);
  const twin = frame.nextElementSibling;
  if (twin?.tagName === "DETAILS") twin.open = false;
}

// --- pieces of pictures --------------------------------------------------------------------------

/** A group for what would give the answer away: it shows once somebody has predicted or moved. */
function covered(svg, x, y) {
  shape(svg, "text", { x, y, class: "middle sub hint" }, "Predict, then move");
  return shape(svg, "g", { class: "answer" });
}

/** Hatching for what is left out, so that it never rests on colour alone. */
function hatching(frame, svg) {
  const id = `${frame.id}-hatch-${++serial}`;
  const pattern = shape(shape(svg, "defs"), "pattern", {
    id,
    width: 7,
    height: 7,
    patternUnits: "userSpaceOnUse",
    patternTransform: "rotate(45)",
  });
  shape(pattern, "line", { x1: 0, x2: 0, y1: 0, y2: 7, class: "hatch" });
  return `url(#${id})`;
}

function arrowHead(frame, svg, kind) {
  const id = `${frame.id}-${kind}-${++serial}`;
  const marker = shape(shape(svg, "defs"), "marker", {
    id,
    viewBox: "0 0 10 10",
    refX: 8,
    refY: 5,
    markerWidth: 4,
    markerHeight: 4,
    orient: "auto-start-reverse",
  });
  shape(marker, "path", { d: "M0 0L10 5L0 10z", class: `${kind} filled` });
  return `url(#${id})`;
}

/**
 * A matrix in a box: sign and number in each cell, or the sign where there is no room for it.
 * `shown` is the shape of the part that the page holds, `whole` that of all.
 */
function matrix(svg, shown, whole, { x, y, width, height, title }) {
  const [rows, columns] = shown;
  const w = width / columns;
  const h = height / rows;
  const size = Math.min(h * 0.5, w * 0.38, 27);
  const numbers = size >= 11;
  const heading = shape(svg, "text", { x: x + width / 2, y: y - 16, class: "middle sub" }, title);
  if (rows < whole[0] || columns < whole[1]) {
    const part = `${rows} × ${columns} of ${whole[0]} × ${whole[1]} entries`;
    shape(svg, "text", { x: x + width / 2, y: y + height + 20, class: "middle small" }, part);
  }
  const cells = [];
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      const box = { x: x + j * w, y: y + i * h, width: w, height: h, class: "cell" };
      const place = { x: x + (j + 0.5) * w, y: y + (i + 0.5) * h, class: "middle number" };
      const rect = shape(svg, "rect", box);
      const text = shape(svg, "text", { ...place, style: `font-size:${numbers ? size : h * 0.7}px` }, "");
      cells.push({ rect, text, at: i * columns + j });
    }
  }
  return (values, largest, name) => {
    if (name) say(heading, name);
    for (const { rect, text, at } of cells) {
      const value = values[at];
      put(rect, "class", `cell ${value > 0 ? "positive" : value < 0 ? "negative" : ""}`);
      put(rect, "fill-opacity", largest > 0 ? Math.min(1, Math.abs(value) / largest).toFixed(3) : 0);
      const sign = value > 0 ? "+" : value < 0 ? "−" : "";
      say(text, numbers ? tight(value) : Math.abs(value) > 0.05 * largest ? sign : "");
    }
  };
}

const largestOf = (...parts) =>
  parts.reduce((top, part) => part.reduce((most, v) => Math.max(most, Math.abs(v)), top), 1e-300);

/** Axes of a line chart: returns where a value stands, and draws ticks and names. */
function axes(svg, { left, right, top, bottom, xs, ys, xName, yName, xTicks, yTicks, xText, yText }) {
  const place = (from, to, [low, high]) => (v) => from + ((v - low) / (high - low)) * (to - from);
  const X = place(left, right, xs);
  const Y = place(bottom, top, ys);
  for (const tick of yTicks) {
    shape(svg, "line", { x1: left, x2: right, y1: Y(tick), y2: Y(tick), class: "grid" });
    const label = yText ? yText(tick) : short(tick);
    shape(svg, "text", { x: left - 10, y: Y(tick), class: "end tick" }, label);
  }
  shape(svg, "line", { x1: left, x2: right, y1: bottom, y2: bottom, class: "axis" });
  for (const tick of xTicks) {
    shape(svg, "line", { x1: X(tick), x2: X(tick), y1: bottom, y2: bottom + 6, class: "axis" });
    const label = xText ? xText(tick) : String(tick);
    shape(svg, "text", { x: X(tick), y: bottom + 24, class: "middle tick" }, label);
  }
  shape(svg, "text", { x: (left + right) / 2, y: bottom + 53, class: "middle small" }, xName);
  if (yName) formula(svg, { x: left, y: top - 22, class: "small" }, yName);
  return { X, Y };
}

/** At most about a dozen whole numbers from 0 to `last`. */
function steps(last) {
  const every = Math.max(1, Math.ceil((last + 1) / 11));
  return Array.from({ length: Math.floor(last / every) + 1 }, (_, i) => i * every);
}

/**
 * A curve whose markers and dashes tell it apart without colour. Points that are NaN are left out.
 * `under` is where it is drawn if its name stands elsewhere.
 */
function curve(svg, look, { label, under = svg } = {}) {
  const line = shape(under, "path", { class: `curve line${look}` });
  const marks = shape(under, "path", { class: `marks line${look}` });
  const name = label === undefined ? null : shape(svg, "text", { class: `name halo line${look}` }, label);
  return (points, marked = true) => {
    const there = points.filter(([x, y]) => Number.isFinite(x) && Number.isFinite(y));
    put(line, "d", there.map(([x, y], i) => `${i ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join(""));
    put(marks, "d", marked ? there.map(([x, y]) => MARKS[look % MARKS.length](x, y)).join("") : "");
    return name;
  };
}

const MARKS = [
  (x, y) => `M${x - 6} ${y}a6 6 0 1 0 12 0a6 6 0 1 0 -12 0z`,
  (x, y) => `M${x - 5.5} ${y - 5.5}h11v11h-11z`,
  (x, y) => `M${x} ${y - 7}l6.5 12h-13z`,
  (x, y) => `M${x} ${y - 7}l7 7l-7 7l-7 -7z`,
];

/** The network over the steps of the sentence; `set` of a step says how the error moves there. */
function network(frame, { steps: T, words }, title) {
  const gap = T > 14 ? 84 : 120;
  const width = (T + 0.35) * gap;
  const { svg } = frame.panel(title, width, 252, {
    wide: true,
    name: "Network unrolled over time with the error flowing back; the text above says the numbers",
  });
  if (T > 14) {
    svg.style.minWidth = `${width / 2}px`; // smaller it could not be read: rather scroll
    svg.parentNode.tabIndex = 0;
  }
  const forward = arrowHead(frame, svg, "forward");
  const back = arrowHead(frame, svg, "back");
  const at = (t) => (t < 0 ? 0.25 * gap : (t + 0.95) * gap);
  const [yx, ys, ye] = [201, 125, 34];
  const line = (x1, y1, x2, y2) =>
    shape(svg, "line", { x1, y1, x2, y2, class: "forward", "marker-end": forward });
  const circle = (x, y, r, label, kind) => {
    const ring = shape(svg, "circle", { cx: x, cy: y, r, class: `node ${kind}` });
    shape(svg, "text", { x, y, class: "middle" }, label);
    return ring;
  };
  circle(at(-1), ys, 22, "s₋₁", "off");
  return words.map((word, t) => {
    const x = at(t);
    line(x, yx - 22, x, ys + 30);
    line(at(t - 1) + (t ? 27 : 24), ys, x - 30, ys);
    line(x, ys - 27, x, ye + 28);
    if (T < 15 || t === 0) {
      shape(svg, "text", { x: x - 13, y: (yx + ys) / 2 + 6, class: "end tick muted" }, "U");
      shape(svg, "text", { x: x - gap / 2, y: ys + 18, class: "middle tick muted" }, t ? "W" : "");
      shape(svg, "text", { x: x - 13, y: (ys + ye) / 2 - 6, class: "end tick muted" }, "V");
    }
    shape(svg, "text", { x, y: yx, class: "middle" }, `x${sub(t)}`);
    shape(svg, "text", { x, y: yx + 33, class: "middle sub" }, cropped(word, gap));
    const ends = { x1: x + 12, x2: x + 12, y1: ye + 24, y2: ys - 30 };
    const down = shape(svg, "line", { ...ends, class: "back", "marker-end": back });
    const loss = circle(x, ye, 24, `E${sub(t)}`, "loss");
    const node = circle(x, ys, 25, `s${sub(t)}`, "");
    const [from, to] = [x - 18, at(t - 1) + 24];
    const middle = (from + to) / 2;
    const path = `M${from} ${ys - 20}Q${middle} ${ys - 62} ${to} ${ys - 20}`;
    const hop = t ? shape(svg, "path", { d: path }) : null; // no step to hop to before the first
    const bars = `M${middle - 9} ${ys - 54}l4 26m8 -26l4 26`;
    const cut = t ? shape(svg, "path", { d: bars }) : null;
    const who = t ? shape(svg, "text", { x: middle, y: ys - 58, class: "middle error who" }) : null;
    return {
      set(now) {
        put(loss, "class", `node ${now.loss}`);
        put(down, "class", now.down ? "back" : "hidden");
        put(node, "class", `node ${now.node}`);
        if (!hop) return;
        put(hop, "class", now.hop);
        put(hop, "marker-end", now.hop === "back" ? back : "none");
        put(cut, "class", now.hop === "cut" ? "cross" : "hidden");
        say(who, now.who);
      },
    };
  });
}
