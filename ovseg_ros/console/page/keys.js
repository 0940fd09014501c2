// Keys that work wherever nothing is being typed.

const TYPING = "input:not([type=checkbox]):not([type=range]), textarea, select";

/** `act` has freeze, save and focusQuery. */
export function listenToKeys(act) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.target.matches(TYPING)) return;
    if (event.key === "/") act.focusQuery();
    else if (event.key === "s" && !event.repeat) act.save();
    else if (event.key === " " && !event.target.matches("button, summary, input, a")) act.freeze();
    else return;
    event.preventDefault();
  });
}
