// The sum over time. `term X[t][k]` is what step k adds for loss t (row T: all losses together), and
// `sum X[t][k]` what has been added once the sweep has come back as far as step k.

function build(frame, facts, arrays) {
  const T = facts.steps;
  const lastOf = ({ loss }) => Math.min(loss, T - 1); // where the sweep begins
  const countOf = (state) => Math.min(state.count, lastOf(state) + 1);
  const stepOf = (state) => lastOf(state) + 1 - countOf(state); // how far back it has come
  const lossName = ({ loss }) => (loss === T ? "E" : `E${sub(loss)}`);

  frame.slider("count", "contributions added", {
    max: T,
    end: (s) => lastOf(s) + 1,
    text: (_, s) => `${countOf(s)} of ${lastOf(s) + 1}`,
    play: true,
  });
  frame.slider("loss", "loss", { max: T, text: (t) => (t === T ? "all losses" : `E${sub(t)}`) });
  frame.choice("matrix", "matrix", [["W", "W"], ["U", "U"], ["V", "V"]]);

  const steps = network(frame, facts, "The backward sweep");
  frame.draw((state) => {
    const [from, to, n] = [lastOf(state), stepOf(state), countOf(state)];
    steps.forEach((step, k) => {
      const sent = (state.loss === T ? k <= from && k >= to : k === state.loss) && n > 0;
      const inside = k <= from;
      step.set({
        loss: sent ? "loss" : "off",
        down: sent,
        node: k >= to && inside ? (k === to && n ? "now" : "") : "off",
        hop: k > to && inside && state.matrix !== "V" ? "back" : "hidden", // V needs no way back
        who: "",
      });
    });
  });

  const sizes = frame.panel("Norms of the terms", 500, 420, {
    name: "Norm of each step's contribution, once it has been added",
  });
  const bars = Array.from({ length: T }, (_, k) => {
    const w = 440 / T;
    const x = 50 + k * w;
    shape(sizes.svg, "text", { x: x + w / 2, y: 374, class: "middle tick" }, T < 13 || k % 4 === 0 ? String(k) : "");
    const rect = shape(sizes.svg, "rect", { x: x + w * 0.12, width: w * 0.76, class: "bar done" });
    const text = shape(sizes.svg, "text", { x: x + w / 2, class: "middle tick" }, "");
    return { rect, text };
  });
  shape(sizes.svg, "line", { x1: 50, x2: 490, y1: 355, y2: 355, class: "axis" });
  shape(sizes.svg, "text", { x: 270, y: 405, class: "middle small" }, "through step k");
  frame.draw((state) => {
    const values = [...arrays[`size ${state.matrix}`].of(state.loss)];
    const largest = Math.max(1e-300, ...values);
    bars.forEach(({ rect, text }, k) => {
      const kind = k > lastOf(state) ? "hidden" : k < stepOf(state) ? "todo" : ""; // CSS covers these
      const height = (values[k] / largest) * 310;
      put(rect, "y", 355 - height);
      put(rect, "height", height);
      put(rect, "class", `bar done ${kind}`);
      put(text, "class", `middle tick ${kind}`);
      put(text, "y", 340 - height);
      say(text, T < 13 ? tight(values[k]) : "");
    });
    say(sizes.heading, `Norms of the terms of ∂${lossName(state)}/∂${state.matrix}`);
  });

  const boxes = [
    ["Just added", (s, n) => (countOf(s) ? arrays[`term ${n}`].of(s.loss, stepOf(s)) : null)],
    ["Sum so far", (s, n) => arrays[`sum ${n}`].of(s.loss, stepOf(s))],
  ].map(([title, pick]) => {
    const { svg, heading } = frame.panel(title, 500, 420, { name: `${title}: a matrix` });
    const parts = {};
    for (const n of ["W", "U", "V"]) {
      const group = shape(svg, "g");
      const size = arrays[`term ${n}`].shape.slice(2);
      const draw = matrix(group, size, facts.shapes[n], { x: 5, y: 45, width: 490, height: 320, title: "" });
      parts[n] = { group, draw, none: new Float64Array(size[0] * size[1]) };
    }
    return { title, heading, pick, parts };
  });
  frame.draw((state) => {
    const { matrix: shown, loss } = state;
    const whole = arrays[`sum ${shown}`].of(loss, 0);
    const largest = largestOf(whole, ...boxes.map((b) => b.pick(state, shown) ?? [0]));
    const k = stepOf(state);
    const factors = { W: `s${sub(k - 1)}ᵀ`, U: `x${sub(k)}ᵀ` }[shown];
    const delta = loss === T ? `δ${sub(k)}` : `δ${sub(loss)},${sub(k)}`;
    const error = `(ŷ${sub(k)} − y${sub(k)}) s${sub(k)}ᵀ`;
    const added = shown === "V" ? (loss === T || k === loss ? error : "0: V acts once") : `${delta} ${factors}`;
    for (const { title, heading, pick, parts } of boxes) {
      for (const [n, { group, draw, none }] of Object.entries(parts)) {
        put(group, "class", n === shown ? "" : "hidden");
        if (n !== shown) continue;
        const now = title === "Just added" ? (countOf(state) ? added : "nothing yet") : `steps ${k} to ${lastOf(state)}`;
        draw(pick(state, n) ?? none, largest, countOf(state) ? now : "nothing yet");
      }
      const complete = title === "Sum so far" && k === 0;
      say(heading, complete ? `The whole ∂${lossName(state)}/∂${shown}` : title);
    }
    const term = countOf(state) ? arrays[`size ${shown}`].of(loss, k) : 0;
    const word = countOf(state) ? `, at “${facts.words[k]}”` : "";
    say(
      frame.live,
      `∂${lossName(state)}/∂${shown}: ${countOf(state)} of ${lastOf(state) + 1} contributions added. ` +
        (countOf(state) ? `The last one, through step ${k}${word}, has norm ${short(term)}.` : ""),
    );
  });
}
