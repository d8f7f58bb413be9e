import type { FC } from "hono/jsx";

/** The strokes of each sign, on a field of 16 by 16. */
const ICONS = {
  chart: "M2 14h12M4 11V7m4 4V3m4 8V5",
  target: "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12Zm0-3.500a2.500 2.500 0 1 0 0-5 2.500 2.500 0 0 0 0 5Z",
  send: "M14 2 7 9m7-7-4.500 12L7 9 2 6.500 14 2Z",
  pulse: "M1.500 8h3l2-5 3 10 2-5h3",
  book: "M3 2.500h7a3 3 0 0 1 3 3v8H6a3 3 0 0 1-3-3v-8Zm0 8a3 3 0 0 1 3-3h7",
  filter: "M2 3h12l-4.500 5.500V13l-3-1.500v-3L2 3Z",
  bolt: "M9 1.500 3 9h4.500L7 14.500 13 7H8.500L9 1.500Z",
  signal:
    "M8 9a1 1 0 1 0 0-2 1 1 0 0 0 0 2ZM4.500 11.500a5 5 0 0 1 0-7m7 0a5 5 0 0 1 0 7M2.500 13.500a8 8 0 0 1 0-11m11 0a8 8 0 0 1 0 11",
  list: "M5.500 4h8m-8 4h8m-8 4h8M2.500 4h.010M2.500 8h.010M2.500 12h.010",
  key: "M10.500 9a3.500 3.500 0 1 0-3.300-2.300L2 12v2h2.500v-1.500H6V11l1.500-1.300",
  link: "M6.500 9.500a3 3 0 0 0 4.300 0l2.300-2.300a3 3 0 0 0-4.300-4.300L8 3.700m1.500 2.800a3 3 0 0 0-4.300 0L2.900 8.800a3 3 0 0 0 4.300 4.300l.8-.8",
  people:
    "M6 7.500a2.500 2.500 0 1 0 0-5 2.500 2.500 0 0 0 0 5ZM1.500 13.500a4.500 4.500 0 0 1 9 0m0-6a2.500 2.500 0 1 0-1-4.800m5 10.800a4.500 4.500 0 0 0-3-4.200",
  bell: "M4 7a4 4 0 0 1 8 0c0 3.500 1.500 4.500 1.500 4.500h-11S4 10.500 4 7Zm2.500 6.500a1.600 1.600 0 0 0 3 0",
  help: "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12ZM6.300 6.300a1.700 1.700 0 1 1 2.400 1.600c-.5.2-.7.5-.7 1m0 2.100h.010",
  exit: "M6 14H3V2h3m4.500 9 3-3-3-3m3 3H6",
  copy: "M5.500 5.500h8v8h-8zM10.500 5.500v-3h-8v8h3",
  plus: "M8 3v10M3 8h10",
  warn: "M8 2 14.500 13.500h-13L8 2Zm0 4.500v3m0 2h.010",
  done: "M13.500 4 6.500 11.500 2.500 8",
} as const;

export type IconName = keyof typeof ICONS;

/** A sign beside a word; it says nothing that the word does not. */
export const Icon: FC<{ name: IconName }> = ({ name }) => (
  <svg class="icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" focusable="false">
    <path d={ICONS[name]} />
  </svg>
);
