// The truncation explorer. `horizon[style][τ][t]` is the first step that loss t reaches.

function build(frame, facts, arrays) {
  const T = facts.steps;
  const horizonOf = ({ style, window }) => arrays[`horizon ${style}`].of(window);
  const amount = ({ style, window }) =>
    style === "chunks" ? `chunks of ${window + 1}` : style === "full" ? "no truncation" : `τ = ${window}`;

  const window_ = frame.slider("window", "window τ", { max: T - 1, text: (_, s) => amount(s), play: true });
  frame.draw(({ style }) => {
    say(window_.name, style === "chunks" ? "chunk length, τ + 1" : "window τ");
    window_.enable(style !== "full");
  });
  frame.choice("style", "truncation", facts.styles.map((s) => [s, s]));
  frame.choice("matrix", "matrix", [["W", "W"], ["U", "U"]]);
  frame.slider("follow", "follow", {
    max: T,
    text: (t) => (t === T ? "all losses" : `loss E${sub(t)}`),
  });

  unrolled(frame, facts, horizonOf);
  triangle(frame, T, arrays, horizonOf);
  bias(frame, facts, arrays, T);
  gradients(frame, facts, arrays, amount);

  frame.draw((state) => {
    const horizon = horizonOf(state);
    const kept = horizon.reduce((sum, first, t) => sum + t - first + 1, 0);
    const told = ["U", "W"].map((n) => {
      const error = arrays[`error ${state.style} ${n}`].of(state.window);
      const cosine = arrays[`cosine ${state.style} ${n}`].of(state.window);
      return `${n}: relative error ${short(error)}, cosine ${short(cosine)}`;
    });
    const style = state.style === "yours" ? `yours, ${amount(state)}` : amount(state);
    say(frame.live, `${style}: ${kept} of ${(T * (T + 1)) / 2} terms kept. ${told.join(". ")}.`);
  });
}

/** Which losses send their error over which hop, and where it is cut. */
function unrolled(frame, facts, horizonOf) {
  const T = facts.steps;
  const steps = network(frame, facts, "The way of the error through the network");
  frame.draw((state) => {
    const horizon = horizonOf(state);
    const follows = (t) => state.follow === T || state.follow === t;
    steps.forEach((step, k) => {
      const idle = state.follow < T && k > state.follow;
      const beyond = state.follow < T && k < horizon[state.follow]; // it was cut before this hop
      const reached = state.follow === T || (!idle && k >= horizon[state.follow]);
      let [first, last] = [-1, -1]; // the losses whose error takes this hop stand side by side
      for (let t = k; t < T; t++) {
        if (!follows(t) || horizon[t] >= k) continue;
        if (first < 0) first = t;
        last = t;
      }
      const open = first >= 0;
      const range = first === last ? `E${sub(first)}` : `E${sub(first)}–${sub(last)}`;
      step.set({
        loss: follows(k) ? "loss" : "off",
        down: follows(k),
        node: reached ? "" : "off",
        hop: open ? "back" : idle || beyond ? "hidden" : "cut",
        who: !open ? "" : state.follow < T ? `δ${sub(first)},${sub(k - 1)}` : range,
      });
    });
  });
}

/** The credit triangle C[t, k] under the mask. */
function triangle(frame, T, arrays, horizonOf) {
  const side = 440;
  const cell = side / T;
  const left = 62;
  const { svg, heading } = frame.panel("Credit C[t, k]", left + side + 8, side + 80, {
    name: "Credit triangle: kept terms filled, terms left out hatched",
  });
  const hatch = hatching(frame, svg);
  const cells = [];
  const size = Math.min(cell * 0.38, 26);
  for (let t = 0; t < T; t++) {
    for (let k = 0; k <= t; k++) {
      const [x, y] = [left + k * cell, 8 + t * cell];
      const box = { x, y, width: cell, height: cell, class: "cell credit" };
      const rect = shape(svg, "rect", box);
      const over = shape(svg, "rect", { ...box, class: "hidden", fill: hatch, style: `fill:${hatch}` });
      const text = shape(
        svg, "text",
        { x: x + cell / 2, y: y + cell / 2, class: "middle number", style: `font-size:${size}px` }, "",
      );
      cells.push({ t, k, rect, over, text });
    }
  }
  const row = shape(svg, "rect", { x: left, height: cell, class: "outline" });
  for (const t of steps(T - 1)) {
    shape(svg, "text", { x: left - 10, y: 8 + (t + 0.5) * cell, class: "end tick" }, String(t));
    shape(svg, "text", { x: left + (t + 0.5) * cell, y: side + 26, class: "middle tick" }, String(t));
  }
  shape(svg, "text", { x: left + side / 2, y: side + 58, class: "middle small" }, "through step k");
  const y = 8 + side / 2;
  shape(svg, "text", { x: 12, y, class: "middle small", transform: `rotate(-90 12 ${y})` }, "loss t");
  frame.draw((state) => {
    const horizon = horizonOf(state);
    const level = arrays[`level ${state.matrix}`];
    const sizes = arrays[`size ${state.matrix}`];
    let kept = 0;
    for (const { t, k, rect, over, text } of cells) {
      const keep = k >= horizon[t];
      kept += keep;
      put(rect, "fill-opacity", keep ? (0.12 + 0.88 * level.of(t, k)).toFixed(2) : 0);
      put(over, "class", keep ? "hidden" : "cell");
      say(text, keep && size > 9 ? tight(sizes.of(t, k)) : "");
    }
    put(row, "class", state.follow < T ? "outline" : "hidden");
    put(row, "y", 8 + Math.min(state.follow, T - 1) * cell);
    put(row, "width", (Math.min(state.follow, T - 1) + 1) * cell);
    say(heading, `‖C[t, k]‖ of ${state.matrix}: ${kept} of ${cells.length} terms`);
  });
}

/** Relative error and cosine against τ, for U and W. */
function bias(frame, facts, arrays, T) {
  const { svg, heading } = frame.panel("Bias", 520, 530, {
    name: "Relative error and cosine of the truncated gradient against τ",
  });
  const all = facts.styles.flatMap((s) => ["U", "W"].map((n) => `${s} ${n}`));
  const extreme = (what, pick, from) =>
    pick(from, ...all.flatMap((name) => [...arrays[`${what} ${name}`].of()].filter(Number.isFinite)));
  const charts = [
    { what: "error", name: "relative error ‖g_τ − g‖ / ‖g‖", low: 0, high: Math.min(extreme("error", Math.max, 1), 10), top: 34, bottom: 210 },
    { what: "cosine", name: "cosine of g_τ and g", low: Math.min(0, extreme("cosine", Math.min, 0)), high: 1, top: 300, bottom: 458 },
  ].map((chart) => {
    const { low, high, top, bottom } = chart;
    const place = axes(svg, {
      left: 64, right: 398, top, bottom, xs: [0, Math.max(T - 1, 1)], ys: [low, high],
      yTicks: [...new Set([low, 0, 0.5, 1, high])].filter((v, i, list) => list.every((w, j) => j >= i || Math.abs(v - w) > 0.2)),
      xTicks: steps(T - 1), xName: chart.what === "error" ? "" : "τ", yName: chart.name,
    });
    const here = shape(svg, "line", { y1: top, y2: bottom, class: "here" });
    const cover = covered(svg, 232, (top + bottom) / 2);
    const lines = ["W", "U"].map((n, look) => ({
      n,
      draw: curve(svg, look, { label: n, under: cover }),
      ring: shape(svg, "circle", { r: 12, class: "ring" }),
    }));
    return { ...chart, ...place, here, lines };
  });
  frame.draw(({ style, window, matrix: shown }) => {
    for (const { what, X, Y, here, lines, low, high } of charts) {
      put(here, "x1", X(window));
      put(here, "x2", X(window));
      const ends = lines.map(({ n, draw, ring }) => {
        const values = [...arrays[`${what} ${style} ${n}`].of()];
        const points = values.map((v, tau) => [X(tau), Y(Math.max(low, Math.min(high, v)))]);
        const name = draw(points, T < 20);
        const [x, y] = points[window];
        put(ring, "class", Number.isFinite(y) && n === shown ? "ring" : "hidden");
        put(ring, "cx", x);
        put(ring, "cy", Number.isFinite(y) ? y : 0);
        say(name, `${n} ${short(values[window])}`);
        return { name, y: Number.isFinite(y) ? y : Y(0) };
      });
      const apart = ends[0].y - ends[1].y;
      const push = Math.max(0, 27 - Math.abs(apart)) / 2; // names side by side must not overlap
      ends.forEach(({ name, y }, i) => {
        put(name, "x", 410);
        put(name, "y", y + push * (apart >= 0 ? 1 : -1) * (i ? -1 : 1));
      });
    }
    say(heading, `Bias against τ`);
  });
}

/** The truncated gradient above the whole one, on one scale. */
function gradients(frame, facts, arrays, amount) {
  const { svg, heading } = frame.panel("Gradient", 500, 530, {
    name: "The truncated gradient matrix and the whole one on one colour scale",
  });
  const drawn = {};
  for (const n of ["W", "U"]) {
    const group = shape(svg, "g");
    const box = (y, title) => ({ x: 5, y, width: 490, height: 200, title });
    const draw = (place) => matrix(group, arrays[`whole ${n}`].shape, facts.shapes[n], place);
    drawn[n] = { group, part: draw(box(38, "")), whole: draw(box(298, `∂E/∂${n}, whole`)) };
  }
  frame.draw((state) => {
    for (const n of ["W", "U"]) {
      const { group, whole, part } = drawn[n];
      put(group, "class", n === state.matrix ? "" : "hidden");
      if (n !== state.matrix) continue;
      const full = arrays[`whole ${n}`].of();
      const largest = largestOf(full);
      whole(full, largest);
      part(arrays[`gradient ${state.style} ${n}`].of(state.window), largest, `∂E/∂${n}, ${amount(state)}`);
      say(heading, `Gradient of ${n}, entry by entry`);
    }
  });
}
