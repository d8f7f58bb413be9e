/**
 * Times in the reader's zone. The server writes all of them in UTC; this writes them anew as the reader chose, says which
 * zone that is wherever a zone is named, and keeps distances from now true.
 */
const CHOICE = "posthorn:zone";

/** How long, in the largest unit that fits; as components/time.tsx writes it. */
function span(ms) {
  const seconds = Math.abs(ms) / 1_000;
  if (seconds < 60) return `${Math.round(seconds)} s`;
  if (seconds < 3_600) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.round(seconds / 3_600)} h`;
  return `${Math.round(seconds / 86_400)} d`;
}

/** Whether times are told in UTC: as chosen, else in the browser's own zone. A frame may keep us from remembering. */
export function isUtc() {
  try {
    return localStorage.getItem(CHOICE) === "utc";
  } catch {
    return false;
  }
}

function choose(zone) {
  try {
    localStorage.setItem(CHOICE, zone);
  } catch {
    // It holds for this page, then.
  }
}

/** The time in that zone, as if it were UTC: its ISO text has the zone's digits. */
function shifted(time, utc) {
  return new Date(time.getTime() - (utc ? 0 : time.getTimezoneOffset() * 60_000));
}

/** What the zone is called at a time: `UTC`, `CET`, `GMT+2`. */
function zoneOf(time, utc) {
  if (utc) return "UTC";
  const parts = new Intl.DateTimeFormat("en-GB", { timeZoneName: "short" }).formatToParts(time);
  return parts.find(({ type }) => type === "timeZoneName")?.value ?? "local";
}

/** `2026-11-21 09:30:00`, from this digit to that one. */
function digits(time, utc, from = 0, to = 19) {
  return shifted(time, utc).toISOString().slice(from, to).replace("T", " ");
}

/** What `data-time` may ask for: which digits of the time are shown. */
const SHOWN = { full: [0, 19], minute: [0, 16], clock: [11, 16], day: [5, 10] };

/** Writes all times in here as the reader wants them. */
export function tellTimes(root, utc = isUtc()) {
  for (const element of root.querySelectorAll("time[datetime]")) {
    const time = new Date(element.dateTime);
    if (Number.isNaN(time.getTime())) continue;
    const here = `${digits(time, utc)} ${zoneOf(time, utc)}`;
    element.title = utc ? here : `${here} · ${digits(time, true)} UTC`;
    const shown = element.dataset.time;
    if (shown !== undefined) element.textContent = digits(time, utc, ...(SHOWN[shown] ?? SHOWN.full));
  }
  for (const element of root.querySelectorAll("title[data-at]")) {
    const time = new Date(element.dataset.at);
    element.textContent = `${digits(time, utc, 0, 16)} ${zoneOf(time, utc)}: ${element.dataset.said}`;
  }
  for (const element of root.querySelectorAll("[data-zone]")) element.textContent = zoneOf(new Date(), utc);
  for (const input of root.querySelectorAll("input[type=datetime-local]")) tellField(input, utc);
  tellDistances(root);
}

/** Writes anew how long ago it was. */
export function tellDistances(root) {
  for (const time of root.querySelectorAll("time[data-ago]")) {
    const distance = Date.parse(time.dateTime) - Date.now();
    const text = distance > 0 ? `in ${span(distance)}` : distance > -1_000 ? "just now" : `${span(distance)} ago`;
    if (time.textContent !== text) time.textContent = text;
  }
  for (const time of root.querySelectorAll("time[data-for]")) {
    const text = span(Math.max(0, Date.now() - Date.parse(time.dateTime)));
    if (time.textContent !== text) time.textContent = text;
  }
}

/** A field for a time holds digits without a zone; its zone is kept beside them. */
function tellField(input, utc) {
  const was = input.dataset.in ?? "utc";
  const will = utc ? "utc" : "local";
  input.dataset.in = will;
  if (was === will || input.value === "") return;
  input.value = digits(new Date(was === "utc" ? `${input.value}Z` : input.value), utc).replace(" ", "T");
}

/** Forms send their times in UTC, as the pages without a script do. */
function inUtc({ target, formData }) {
  for (const { name, value, dataset } of target.querySelectorAll("input[type=datetime-local]")) {
    if (dataset.in === "local" && value !== "") formData.set(name, digits(new Date(value), true).replace(" ", "T"));
  }
}

/** Has the switch between zones do its work. */
export function startTimes() {
  document.addEventListener("formdata", inUtc);
  const buttons = document.querySelectorAll("[data-zone-choice]");
  const press = (utc) => {
    for (const button of buttons) button.ariaPressed = String((button.dataset.zoneChoice === "utc") === utc);
  };
  for (const button of buttons) {
    button.closest("[hidden]")?.removeAttribute("hidden");
    button.addEventListener("click", () => {
      const utc = button.dataset.zoneChoice === "utc";
      choose(button.dataset.zoneChoice);
      press(utc);
      tellTimes(document, utc);
    });
  }
  press(isUtc());
  tellTimes(document);
  setInterval(() => tellDistances(document), 1_000);
}
