import type { Child, FC } from "hono/jsx";
import { Icon, type IconName } from "./icon";

/** What a color means; every mark also says it in a word. */
export type Tone = "good" | "warn" | "bad" | "calm" | "held" | "off";

/** A state in a word. */
export const Pill: FC<{ tone: Tone; children?: Child }> = ({ tone, children }) => (
  <span class={`pill ${tone}`}>{children}</span>
);

/** A box with a heading. */
export const Card: FC<{ title?: Child; class?: string; id?: string; actions?: Child; children?: Child }> = ({
  title,
  class: name = "",
  id,
  actions,
  children,
}) => (
  <section class={`card ${name}`} {...(id === undefined ? {} : { id })}>
    {title === undefined ? null : (
      <div class="card-head">
        <h2>{title}</h2>
        {actions === undefined ? null : <div class="card-actions">{actions}</div>}
      </div>
    )}
    {children}
  </section>
);

/** Nothing is there, and what to do about it. */
export const Empty: FC<{ icon?: IconName; title: string; children?: Child }> = ({ icon = "list", title, children }) => (
  <div class="empty">
    <Icon name={icon} />
    <p class="empty-title">{title}</p>
    <div class="empty-text">{children}</div>
  </div>
);

/** Something to know, or to do. */
export const Notice: FC<{ tone: "good" | "warn" | "bad" | "info"; children?: Child }> = ({ tone, children }) => (
  <div class={`notice ${tone}`} role={tone === "bad" ? "alert" : "status"}>
    {children}
  </div>
);

/** A number and what it counts. */
export const Figure: FC<{ name: string; value: Child; tone?: Tone; about?: Child }> = ({
  name,
  value,
  tone,
  about,
}) => (
  <div class={`figure ${tone ?? ""}`}>
    <dt>{name}</dt>
    <dd>
      {value}
      {about === undefined ? null : <small>{about}</small>}
    </dd>
  </div>
);

/** Names and what they stand for. */
export const Facts: FC<{ rows: readonly (readonly [name: string, value: Child])[] }> = ({ rows }) => (
  <dl class="facts">
    {rows.map(([name, value]) => (
      <div>
        <dt>{name}</dt>
        <dd>{value}</dd>
      </div>
    ))}
  </dl>
);

/** Text that is copied elsewhere, with a button for it where there is JavaScript. */
export const Copyable: FC<{ text: string; label: string; shown?: string }> = ({ text, label, shown }) => (
  <span class="copyable">
    <code>{shown ?? text}</code>
    <button type="button" class="copy" data-copy={text} aria-label={label} hidden>
      <Icon name="copy" />
    </button>
  </span>
);

/** What may be larger than its room: it scrolls, also with the keys. */
export const Scroll: FC<{ label: string; children?: Child }> = ({ label, children }) => (
  // biome-ignore lint/a11y/useSemanticElements: a section would be one more heading to go through
  <div class="scroll" tabindex={0} role="region" aria-label={label}>
    {children}
  </div>
);

/** A block of text as it is: payloads, snippets. What it holds is never markup. `code`: its lines are not broken. */
export const Block: FC<{ text: string; label: string; code?: boolean }> = ({ text, label, code = false }) => (
  <div class={code ? "block code" : "block"}>
    <Scroll label={label}>
      <pre>
        <code>{text}</code>
      </pre>
    </Scroll>
    <button type="button" class="copy" data-copy-block aria-label={`Copy: ${label}`} hidden>
      <Icon name="copy" />
    </button>
  </div>
);

/** The way to the next page of a list, and back to its beginning. `byName`: it goes by the alphabet, not by age. */
export const Pager: FC<{ next: string | null; first: string | null; what: string; byName?: boolean }> = ({
  next,
  first,
  what,
  byName = false,
}) =>
  next === null && first === null ? null : (
    <nav class="pager" aria-label={`Pages of ${what}`}>
      {first === null ? <span /> : <a href={first}>{byName ? "⇤ First" : "⇤ Newest"}</a>}
      {next === null ? (
        <span class="muted">That is all.</span>
      ) : (
        <a href={next} rel="next">{`${byName ? "More" : "Older"} ${what} →`}</a>
      )}
    </nav>
  );

/** Sub-pages of one thing. */
export const Tabs: FC<{ label: string; current: string; tabs: readonly (readonly [name: string, href: string])[] }> = ({
  label,
  current,
  tabs,
}) => (
  <nav class="tabs" aria-label={label}>
    <ul>
      {tabs.map(([name, href]) => (
        <li>
          <a href={href} {...(name === current ? { "aria-current": "page" as const } : {})}>
            {name}
          </a>
        </li>
      ))}
    </ul>
  </nav>
);
