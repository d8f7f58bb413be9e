import type { FC } from "hono/jsx";
import { Notice } from "./parts";

/** What was saved and yet may not be what was meant. */
export const Warnings: FC<{ texts: readonly string[] }> = ({ texts }) =>
  texts.length === 0 ? null : (
    <Notice tone="warn">
      Saved, but look at this:
      <ul>
        {texts.map((text) => (
          <li>{text}</li>
        ))}
      </ul>
    </Notice>
  );
