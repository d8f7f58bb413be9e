/**
 * The guides, in the order of their menu. Each is a page, built from its Markdown by scripts/assets.mjs.
 * @module
 */

/** One guide: `/docs/<name>`. */
export interface Guide {
  name: string;
  title: string;
  /** What it is good for, in a line. */
  about: string;
  /** Its Markdown, from the project's root. */
  file: string;
}

/** A part of the menu; pages that the Worker makes from its own code have no file. */
export interface Section {
  title: string;
  pages: readonly (Omit<Guide, "file"> & { file?: string })[];
}

const guide = (name: string, title: string, about: string, file = `src/docs/${name}.md`): Guide => ({
  name,
  title,
  about,
  file,
});

const BUILDERS = [
  guide("start", "Start", "From nothing to a signed delivery on your own machine."),
  guide("concepts", "Concepts", "The words, how an event travels, and what is promised."),
  guide("events", "Events", "Posting, repeating, batches, callbacks, event types, replay and erasure."),
  guide("endpoints", "Endpoints", "Profiles, filters, what is sent, retries, and what becomes of one that fails."),
  guide("signals", "Signals", "Rules that turn what your back end observes into events."),
  guide("receivers", "Receivers", "For the engineers of a receiver: complete ones, best practices, troubleshooting."),
  guide("portal", "Dashboard and portal", "The pages, and a link that opens them for one customer."),
  guide("client", "API and client", "What holds for every call, and the TypeScript client."),
];

const OPERATORS = [
  guide("deploy", "Deploy", "To your own Cloudflare account."),
  guide("operate", "Operate", "What to do when something is not as it should be."),
  guide("observe", "Observe", "Health, log lines, alerts, and other places for them."),
  guide("cost", "Cost and scale", "What an event costs, and what is full first."),
  guide("configuration", "Configuration", "Variables, secrets and bindings."),
  guide("security", "Security for operators", "What you must do, and how each key is replaced."),
  guide("defences", "What it defends against", "Whom it trusts with what, and what remains.", "SECURITY.md"),
  guide("upgrade", "Upgrade", "Deploying a new version, going back, and what has changed."),
];

/** The menu of `/docs`. */
export const SECTIONS: readonly Section[] = [
  { title: "For those who build on it", pages: BUILDERS },
  { title: "For those who run it", pages: OPERATORS },
  {
    title: "Reference",
    pages: [
      { name: "api", title: "API reference", about: "Every call with its shapes and examples." },
      { name: "calls", title: "All calls", about: "Every call in a line, and who may make it." },
      { name: "limits", title: "Limits", about: "Everything that is limited, as this deployment has it." },
      {
        name: "reasons",
        title: "Why it waits or failed",
        about: "Every reason why a delivery is not with its receiver, and what to do.",
      },
      { name: "problems", title: "Problems", about: "Every cause of an error answer, and what to do." },
    ],
  },
];

/** Every page that is built from Markdown. */
export const GUIDES: readonly Guide[] = [...BUILDERS, ...OPERATORS];
