// The gradient-check microscope: `central check` and the like are indexed by τ and by step size.

function build(frame, facts, arrays) {
  const last = arrays.h.shape[0] - 1;
  const at = (what, { check, window, h }) => arrays[`${what} ${check}`].of(window, h);
  const tries = ["truncated", "frozen"];
  frame.slider("h", "step size h", { max: last, text: (i) => short(arrays.h.of(i)), play: true });
  const tau = frame.slider("window", "window τ", { max: facts.steps - 1, text: (t) => `τ = ${t}` });
  frame.draw(({ check }) => tau.enable(tries.includes(check)));
  frame.choice("check", "check", facts.checks);

  const { svg } = frame.panel("Error of the check against the step size", 1060, 370, {
    wide: true,
    name: "Relative error of central difference and complex step against the step size",
  });
  const [low, high] = [-17, 0.5];
  const power = (v) => (v === 0 ? "1" : `10⁻${[...String(-v)].map((c) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[c]).join("")}`);
  const { X, Y } = axes(svg, {
    left: 80, right: 800, top: 30, bottom: 305, xs: [0, -16], ys: [low, high], yName: "relative error",
    xTicks: [0, -2, -4, -6, -8, -10, -12, -14, -16], yTicks: [-16, -12, -8, -4, 0],
    xText: power, yText: power, xName: "step size h, smaller to the right",
  });
  const limit = Y(Math.log10(facts.tolerance));
  shape(svg, "line", { x1: 80, x2: 800, y1: limit, y2: limit, class: "cut" });
  shape(svg, "text", { x: 792, y: limit - 14, class: "end small" }, "a check passes below");
  const here = shape(svg, "line", { y1: 30, y2: 305, class: "here" });
  const cover = covered(svg, 560, 235);
  const methods = [["central", "central difference"], ["complex", "complex step"]].map(
    ([method, label], look) => ({
      method, label,
      draw: curve(cover, look, { label }),
      ring: shape(svg, "circle", { r: 12, class: "ring" }),
    }),
  );
  const clamp = (error) => Y(error > 0 ? Math.max(low, Math.log10(error)) : low);
  frame.draw((state) => {
    const x = X(Math.log10(arrays.h.of(state.h)));
    put(here, "x1", x);
    put(here, "x2", x);
    const names = methods.map(({ method, draw, ring }) => {
      const errors = arrays[`${method} error ${state.check}`].of(state.window);
      const points = [...errors].map((e, i) => [X(Math.log10(arrays.h.of(i))), clamp(e)]);
      const name = draw(points);
      put(ring, "cx", x);
      put(ring, "cy", points[state.h][1]);
      return { name, y: points[last][1] };
    });
    const close = Math.abs(names[0].y - names[1].y) < 26;
    names.forEach(({ name, y }, i) => {
      put(name, "x", 812);
      put(name, "y", close ? y + (i ? 13 : -13) : y);
    });
  });

  digits(frame, facts, at, ({ check, window }) => arrays[`analytic ${check}`].of(window));

  frame.draw((state) => {
    const error = at("central error", state);
    const exact = at("complex error", state);
    const passes = error < facts.tolerance;
    const name = facts.checks.find(([check]) => check === state.check)[1];
    const where = tries.includes(state.check) ? `, τ = ${state.window}` : "";
    say(
      frame.live,
      `${passes ? "✓ passes" : "✗ fails"}: ${name}${where}. Relative error at h = ` +
        `${short(arrays.h.of(state.h))}: central difference ${short(error)}, complex step ${short(exact)}.`,
    );
  });
}

/** The three numbers, digit by digit; those that agree with the first are bold and underlined. */
function digits(frame, { entry }, at, analytic) {
  const { svg } = frame.panel(`${entry}, digit by digit`, 1060, 150, {
    wide: true,
    name: "Analytic, central and complex-step derivative; the text above says how far they agree",
  });
  const rows = [["analytic", "analytic"], ["central", "central difference"], ["complex", "complex step"]].map(
    ([what, label], i) => {
      const y = 26 + i * 46;
      shape(svg, "text", { x: 12, y, class: "sub" }, label);
      const text = shape(svg, "text", { x: 250, y, class: "digits" });
      const same = shape(text, "tspan", { class: "same" });
      const rest = shape(text, "tspan", { class: "rest" });
      const count = shape(svg, "text", { x: 1040, y, class: "end sub" }, "");
      return { what, same, rest, count };
    },
  );
  frame.draw((state) => {
    const text = (v) => v.toFixed(17).replace("-", "−");
    const claimed = text(analytic(state));
    for (const { what, same, rest, count } of rows) {
      const found = text(what === "analytic" ? analytic(state) : at(what, state));
      let agree = 0;
      while (agree < found.length && found[agree] === claimed[agree]) agree++;
      say(same, found.slice(0, agree));
      say(rest, found.slice(agree));
      const decimals = Math.max(0, agree - found.indexOf(".") - 1);
      say(count, what === "analytic" ? "" : `${decimals} decimals agree`);
    }
  });
}
