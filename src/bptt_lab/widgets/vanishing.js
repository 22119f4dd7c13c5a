// Vanishing and exploding: norms come as log10, indexed by gain and by hops back.

function build(frame, facts, arrays) {
  const { hops: HOPS, units: H } = facts;
  const of = (what, { activation, kind, gain }) => arrays[`${what} ${activation} ${kind}`].of(gain);
  const last = arrays.gain.shape[0] - 1;
  frame.slider("gain", "gain of W", {
    max: last,
    text: (i) => `× ${short(arrays.gain.of(i))}`,
    play: true,
  });
  frame.slider("hops", "hops back", { min: 1, max: HOPS });
  frame.choice("kind", "W", facts.kinds.map((k) => [k, k]));
  frame.choice("activation", "activation", facts.activations.map((a) => [a, a]));

  norms(frame, HOPS, of);
  singular(frame, H, arrays);
  activations(frame, facts, arrays, of);

  frame.draw((state) => {
    const { kind, gain, hops } = state;
    const power = (v) => (v === -Infinity ? "0" : short(10 ** v));
    const first = arrays[`singular ${kind}`].of(gain, 0);
    const radius = arrays[`eigen ${kind}`].of(gain, 0);
    say(
      frame.live,
      `W: largest singular value ${short(first)}, spectral radius ${short(radius)}. Over ${hops} hops: ` +
        `gradient × ${power(of("gradient", state)[hops])}, product of Jacobians ` +
        `${power(of("product", state)[hops])}, bound ${power(of("bound", state)[hops])}.`,
    );
  });
}

function norms(frame, HOPS, of) {
  const { svg, heading } = frame.panel("Norms on the way back, on a log axis", 1090, 330, {
    wide: true,
    name: "Norms of the gradient, the product of Jacobians and their bound against hops back",
  });
  const [low, high] = [-12, 9];
  const power = (v) => (v === 0 ? "1" : `10${[...String(v)].map((c) => (c === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[c])).join("")}`);
  const { X, Y } = axes(svg, {
    left: 70, right: 790, top: 15, bottom: 265, xs: [0, HOPS], ys: [low, high],
    xTicks: [0, 5, 10, 15, 20, 25, 30], yTicks: [-12, -9, -6, -3, 0, 3, 6, 9],
    yText: power, xName: "hops back from the loss",
  });
  shape(svg, "line", { x1: 70, x2: 790, y1: Y(0), y2: Y(0), class: "axis" });
  const here = shape(svg, "line", { y1: 15, y2: 265, class: "here" });
  const lines = [["gradient", "gradient"], ["product", "product ∏ J"], ["bound", "bound ∏ ‖J‖"]].map(
    ([what, label], look) => ({ what, label, draw: curve(svg, look, { label }) }),
  );
  frame.draw((state) => {
    put(here, "x1", X(state.hops));
    put(here, "x2", X(state.hops));
    const names = lines.map(({ what, label, draw }) => {
      const values = [...of(what, state).subarray(0, state.hops + 1)];
      const points = values.map((v, n) => [X(n), Y(Math.max(low, Math.min(high, v)))]);
      const name = draw(points);
      const end = values[state.hops];
      const beyond = end > high ? " ▲" : end < low ? " ▼" : "";
      say(name, `${label} ${end === -Infinity ? "0" : short(10 ** end)}${beyond}`);
      put(name, "x", X(state.hops) + 14);
      return { name, y: points[state.hops][1] };
    });
    names.sort((a, b) => a.y - b.y);
    const room = 28;
    names.forEach((entry, i) => {
      if (i) entry.y = Math.max(entry.y, names[i - 1].y + room);
    });
    const over = Math.max(0, names.at(-1).y - 265);
    names.forEach(({ name, y }) => put(name, "y", y - over));
    say(heading, `Norms over ${state.hops} hops back, on a log axis`);
  });
}

/** Singular values as bars, sizes of eigenvalues as diamonds, and the line at 1. */
function singular(frame, H, arrays) {
  const { svg } = frame.panel("Singular values of W (bars), |eigenvalues| (◆)", 530, 330, {
    half: true,
    name: "Singular values and sizes of the eigenvalues of W, with a line at one",
  });
  const high = 6;
  const Y = (v) => 285 - (Math.min(v, high) / high) * 260;
  const w = 460 / H;
  for (const tick of [0, 1, 2, 4, 6]) {
    shape(svg, "text", { x: 44, y: Y(tick), class: "end tick" }, String(tick));
    shape(svg, "line", { x1: 54, x2: 520, y1: Y(tick), y2: Y(tick), class: tick < 2 ? "axis" : "grid" });
  }
  const bars = Array.from({ length: H }, (_, i) => {
    const x = 58 + (i + 0.5) * w;
    const rect = shape(svg, "rect", { x: x - w * 0.3, width: w * 0.6, class: "bar" });
    const value = shape(svg, "text", { x, class: "middle tick halo" }, "");
    const mark = shape(svg, "path", { class: "marks line1" });
    shape(svg, "text", { x, y: 308, class: "middle tick" }, H < 13 ? String(i + 1) : "");
    return { rect, value, mark, x };
  });
  frame.draw(({ kind, gain }) => {
    const sizes = arrays[`singular ${kind}`].of(gain);
    const eigen = arrays[`eigen ${kind}`].of(gain);
    bars.forEach(({ rect, value, mark, x }, i) => {
      put(rect, "y", Y(sizes[i]));
      put(rect, "height", 285 - Y(sizes[i]));
      put(value, "y", Math.min(Y(sizes[i]), Y(eigen[i])) - 15);
      say(value, H < 9 ? short(sizes[i]) : "");
      put(mark, "d", MARKS[3](x, Y(eigen[i])));
    });
  });
}

/** The activation and its slope, with the units' pre-activations of the last steps on both. */
function activations(frame, { activations: names }, arrays, of) {
  const { svg, heading } = frame.panel("Activation", 530, 330, {
    half: true,
    name: "Activation and its slope with the pre-activations of all units on them",
  });
  const { X, Y } = axes(svg, {
    left: 44, right: 380, top: 15, bottom: 265, xs: [-4, 4], ys: [-1.5, 1.5], xName: "pre-activation a",
    xTicks: [-4, -2, 0, 2, 4], yTicks: [-1, 0, 1], xText: short,
  });
  const shown = (v) => (Math.abs(v) <= 1.6 ? Y(v) : NaN); // what leaves the picture is not drawn
  const lines = [["φ(a)", 1], ["slope φ′(a)", 2]].map(([label, row], look) => ({
    row,
    draw: curve(svg, look, { label }),
    dots: shape(svg, "path", { class: `dots line${look}` }),
  }));
  frame.draw((state) => {
    const sampled = arrays[`curve ${state.activation}`];
    const a = of("a", state);
    const units = a.length / (arrays[`a ${state.activation} ${state.kind}`].shape[1]);
    const seen = [...a.subarray(0, state.hops * units)];
    const [first, end] = [sampled.of(0, 0), sampled.of(0, 80)];
    for (const { row, draw, dots } of lines) {
      const values = sampled.of(row);
      const points = [...sampled.of(0)].map((v, i) => [X(v), shown(values[i])]);
      const name = draw(points, false);
      put(name, "x", 388);
      const top = Math.min(1.5, values[80]);
      put(name, "y", Y(top) + (row === 2 && top === 1 ? 26 : 0));
      const marks = seen.map((v) => {
        const y = shown(values[Math.round(((v - first) / (end - first)) * 80)] ?? NaN);
        return Number.isFinite(y) ? `M${X(v).toFixed(1)} ${(y - 5).toFixed(1)}v10` : "";
      });
      put(dots, "d", marks.join(""));
    }
    const steep = seen.filter((v) => Math.abs(v) > 2).length;
    say(heading, `${state.activation === "none" ? "No activation" : state.activation}: ${seen.length} pre-activations, ${steep} beyond ±2`);
  });
}
