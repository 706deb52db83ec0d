// What a page lacks for people who do not see it, do not use a mouse, or have a small screen; as words, none if it is well.
() => {
    const found = [];
    const say = (element, what) => found.push(`${what}: ${element.outerHTML.slice(0, 120)}`);
    const isShown = (element) => element.checkVisibility({ visibilityProperty: true }) && element.getClientRects().length > 0;
    const all = (selector) => [...document.querySelectorAll(selector)].filter(isShown);
    const text = (ids) => ids.split(/\s+/).map((id) => document.getElementById(id)?.textContent ?? "").join(" ");
    const nameOf = (element) => [
        element.getAttribute("aria-label"), text(element.getAttribute("aria-labelledby") ?? ""), element.alt,
        [...(element.labels ?? [])].map((label) => label.textContent).join(" "), element.title,
        element.matches("a, button, summary, [role]") ? element.textContent : "",
        ...[...element.querySelectorAll("img[alt], svg title")].map((inner) => inner.alt ?? inner.textContent),
    ].join("").trim();

    if (!document.documentElement.lang) found.push("the page does not say its language");
    if (!document.title.trim()) found.push("the page has no title");
    for (const [selector, most] of [["main", 1], ["h1", 1]]) {
        const n = document.querySelectorAll(selector).length;
        if (n > most || n === 0) found.push(`${n} ${selector}`);
    }
    const ids = [...document.querySelectorAll("[id]")].map((element) => element.id);
    for (const id of new Set(ids.filter((id, n) => ids.indexOf(id) !== n))) found.push(`two of the name ${id}`);
    for (const element of all("img")) if (!element.hasAttribute("alt")) say(element, "an image without a name");
    for (const element of all("canvas, svg")) {
        const hidden = element.closest("[aria-hidden=true], [role=img], [role=application], button, a, label");
        if (!hidden && !nameOf(element)) say(element, "a picture without a name");
    }
    for (const element of all("a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']")) {
        if (!nameOf(element) && !element.closest("[aria-hidden=true]")) say(element, "a control without a name");
    }
    for (const element of all("nav")) {
        if (document.querySelectorAll("nav").length > 1 && !nameOf(element)) say(element, "one of several nav without a name");
    }
    for (const element of document.querySelectorAll("[style], script:not([src])")) {
        if (element.matches("script") || element.getAttribute("style").includes("url(")) say(element, "within the page");
    }
    if (document.documentElement.scrollWidth > innerWidth) {
        const wide = all("main *").filter((element) => element.getBoundingClientRect().right > innerWidth + 1);
        found.push(`${document.documentElement.scrollWidth} pixels wide: ${wide[0]?.outerHTML.slice(0, 120)}`);
    }

    const numbers = (colour) => (colour.match(/[\d.]+/g) ?? []).map(Number);
    const light = (colour) => numbers(colour).slice(0, 3).map((part) => part / 255)
        .map((part) => (part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
        .reduce((sum, part, n) => sum + part * [0.2126, 0.7152, 0.0722][n], 0);
    const behind = (element) => {
        for (let above = element; above; above = above.parentElement) {
            const style = getComputedStyle(above);
            if (style.backgroundImage !== "none") return null;
            const colour = numbers(style.backgroundColor);
            if (colour.length === 3 || colour[3] === 1) return style.backgroundColor;
            if (colour[3] > 0) return null;
        }
        return matchMedia("(prefers-color-scheme: dark)").matches ? "rgb(18, 18, 18)" : "rgb(255, 255, 255)";
    };
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const seen = new Set();
    while (walker.nextNode()) {
        const element = walker.currentNode.parentElement;
        if (!walker.currentNode.data.trim() || seen.has(element) || !isShown(element)) continue;
        seen.add(element);
        if (element.closest("svg, option, :disabled, [aria-disabled=true], script, style, noscript")) continue;
        const style = getComputedStyle(element), ground = behind(element);
        if (ground === null || !style.color.startsWith("rgb(") || Number(style.opacity) < 1) continue;
        const [low, high] = [light(style.color), light(ground)].sort((a, b) => a - b);
        const least = parseFloat(style.fontSize) >= 24 ? 3 : 4.5;
        if ((high + 0.05) / (low + 0.05) < least) say(element, `pale (${style.color} on ${ground})`);
    }
    return found;
}
