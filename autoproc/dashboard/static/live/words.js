// What is said of a sweep that is being collected.

export const LAMPS = { stop: "bad", look: "look", good: "good" };

export const thousands = (number) => number.toLocaleString("en").replaceAll(",", "\u202f");
const images = (n) => `${thousands(n)} ${n === 1 ? "image" : "images"}`;
const stretch = ([first, last]) => (first === last ? `${first}` : `${first} to ${last}`);

const sentence = (words) => `${words[0].toUpperCase()}${words.slice(1)}`;

/** The latest verdict: { light, lamp, words, after }. */
export function verdict({ probes, n_searched, why_not, unprobed, sweep }) {
  const latest = probes.at(-1);
  if (latest) return { light: latest.light.toUpperCase(), lamp: LAMPS[latest.light], words: latest.words, after: `after ${Math.round(latest.rotation)}° of rotation` };
  if (why_not) return { light: "?", lamp: "open", words: [`cannot be followed: ${why_not}`], after: "" };
  if (unprobed) return { light: "?", lamp: "open", words: [unprobed], after: "" };
  if (sweep) return { light: "?", lamp: "open", words: ["all images were there before the crystal was probed"], after: "" };
  const words = n_searched ? "the crystal is probed after 15° of rotation" : "no image is searched yet";
  return { light: "WAIT", lamp: "open", words: [words], after: "" };
}

/** What else is to be known, each with how grave it is. */
export function remarks(facts) {
  const said = [];
  if (facts.sweep) said.push({ lamp: "open", text: "All images are there: it is being processed." });
  if (facts.n_dark) {
    const named = facts.dark.slice(-3).map(stretch).join(", ");
    said.push({ lamp: "look", text: `No beam on ${images(facts.n_dark)}${facts.dark.length > 3 ? ", the latest" : ""}: ${named}` });
  }
  if (facts.is_icy) said.push({ lamp: "look", text: "Ice on the latest images" });
  if (facts.backlog) said.push({ lamp: "open", text: sentence(facts.backlog) });
  if (facts.provisional) said.push({ lamp: "open", text: sentence(facts.provisional) });
  if (facts.ahead && !facts.sweep) said.push({ lamp: "open", text: sentence(facts.ahead) });
  if (facts.probes.length && facts.why_not) said.push({ lamp: "look", text: `Cannot be followed now: ${facts.why_not}` });
  if (facts.curves.per_point > 1) said.push({ lamp: "", text: `Each point of the plots is the median of ${facts.curves.per_point} images.` });
  return said;
}

/** How many images there are: { n, of, share }; share is null where nobody says how many there will be. */
export function amount({ n_there, n_planned }) {
  if (!n_planned) return { n: thousands(n_there), of: "images", share: null };
  return { n: thousands(n_there), of: `of ${thousands(n_planned)} images`, share: Math.min(1, n_there / n_planned) };
}
