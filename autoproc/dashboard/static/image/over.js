// The canvas over the picture: everything that is drawn on it, from the back to the front.
import { drawAxis, drawBeam, drawIce, drawListed, drawRings } from "./overlays.js";
import { Predictions } from "./predictions.js";
import { Spots } from "./spots.js";
import { Untrusted } from "./untrusted.js";

export class Over {
  // changed : is called when spots have come; note : with words to be read beside
  constructor({ canvas, state, view, geometry, picture, source, changed, note }) {
    Object.assign(this, { canvas, state, view, geometry, picture });
    this.pen = canvas.getContext("2d");
    const draw = () => this.draw();
    const told = () => { draw(); changed(); if (this.spots.now?.doubt) note(this.spots.now.doubt); };
    this.spots = new Spots({ address: source.reflectionsAddress, changed: told });
    this.predictions = new Predictions({ address: source.predictionsAddress, changed: draw, say: note });
    this.untrusted = new Untrusted({ ask: () => source.untrusted(), changed: draw, say: note });
    this.hasTable = geometry.facts.tables.length > 0;
  }

  // Asks for what is shown and is not there yet.
  want() {
    const { state, picture } = this;
    if (state.shows("shadow") || state.shows("hot")) this.untrusted.want();
    this.predictions.show(state.shows("predictions") ? picture.shown : null);
  }

  show(picture) {
    this.spots.show(this.hasTable ? picture : null);
    this.want();
  }

  draw() {
    const { pen, view, geometry, state } = this;
    const ratio = this.picture.ratio ?? 1;
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, view.width, view.height);
    if (state.shows("ice")) drawIce(pen, view, geometry);
    if (state.shows("rings")) drawRings(pen, view, geometry);
    if (state.shows("axis")) drawAxis(pen, view, geometry);
    if (state.shows("shadow")) this.untrusted.drawShadow(pen, view);
    if (state.shows("hot")) this.untrusted.drawHot(pen, view);
    drawListed(pen, view, geometry, state);
    this.spots.draw(pen, view, state);
    if (state.shows("predictions")) this.predictions.draw(pen, view, state.shows("hkl"));
    this.line?.draw(pen, view);
    if (state.shows("beam")) drawBeam(pen, view, geometry);
  }
}
