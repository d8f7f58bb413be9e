import { raw } from "hono/html";
import type { FC } from "hono/jsx";
import { Icon } from "../components/icon";
import { Block, Scroll } from "../components/parts";
import { exactHtml, foldingJson } from "../json-text";
import { curlOf, type Requested } from "./curl";

/**
 * A body that went over the wire: JSON coloured and folding, and below it the text as it is, which is what is copied, to the
 * byte.
 */
export const Body: FC<{ text: string; label: string }> = ({ text, label }) => {
  const folding = foldingJson(text);
  const exact = (
    <pre>
      <code>{raw(exactHtml(text))}</code>
    </pre>
  );
  return (
    <div class="block">
      <Scroll label={label}>{folding === null ? exact : <div class="json">{raw(folding)}</div>}</Scroll>
      {folding === null ? null : (
        <details>
          <summary>Raw</summary>
          <Scroll label={`${label}, raw`}>{exact}</Scroll>
        </details>
      )}
      <button
        type="button"
        class="copy"
        data-copy-block
        aria-label={`Copy: ${label}`}
        title="Copy it to the byte"
        hidden
      >
        <Icon name="copy" />
      </button>
    </div>
  );
};

/** A request as a command that sends its very bytes. */
export const Curl: FC<{ request: Requested; label: string }> = ({ request, label }) => (
  <details>
    <summary>Copy as curl</summary>
    {Object.values(request.headers).includes("***") ? (
      <p class="hint">
        What is <code>***</code> is a secret that no log keeps: put yours in its place.
      </p>
    ) : null}
    <Block text={curlOf(request)} label={label} code />
  </details>
);
