import type { EventText } from "../../contracts/event";
import type { Format } from "../../contracts/wire";
import { utf8 } from "../../lib/crypto";
import { jsonWithRaw } from "../../lib/json/json";
import { iso } from "../../lib/time";

/** An event of a tenant, to be put into a body. */
export interface Renderable extends EventText {
  tenant: string;
}

interface BodyFormat {
  contentType: string;
  text(event: Renderable): string;
}

const JSON_TYPE = "application/json";

/** The body formats by name. `data` goes in as the text it was posted as. */
const FORMATS: Readonly<Record<Format, BodyFormat>> = {
  envelope: {
    contentType: JSON_TYPE,
    text: ({ payloadId, type, timestamp, data }) =>
      jsonWithRaw({ id: payloadId, event: type, timestamp: iso(timestamp) }, { data }),
  },
  event: {
    contentType: JSON_TYPE,
    text: ({ type, timestamp, data }) => jsonWithRaw({ event: type, timestamp: iso(timestamp) }, { data }),
  },
  flat: { contentType: JSON_TYPE, text: ({ data }) => data },
  subjects: {
    contentType: JSON_TYPE,
    text: ({ type, data }) =>
      jsonWithRaw({ event: type }, { subjects: data.trimStart().startsWith("[") ? data : `[${data}]` }),
  },
  typed: {
    contentType: JSON_TYPE,
    text: ({ type, timestamp, data }) => jsonWithRaw({ type, timestamp: iso(timestamp) }, { data }),
  },
  /** https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md, structured mode */
  cloudevents: {
    contentType: "application/cloudevents+json",
    text: ({ tenant, payloadId, type, timestamp, data }) =>
      jsonWithRaw(
        {
          specversion: "1.0",
          id: payloadId,
          source: `/tenants/${tenant}`,
          type,
          time: iso(timestamp),
          datacontenttype: JSON_TYPE,
        },
        { data },
      ),
  },
};

/** The text of an event's body in a format: the same text for the same event, whenever it is made. */
export function bodyText(format: Format, event: Renderable): string {
  return FORMATS[format].text(event);
}

/** The bytes of an event's body in a format, and what they are. */
export function render(format: Format, event: Renderable): { body: Uint8Array<ArrayBuffer>; contentType: string } {
  return { body: utf8(bodyText(format, event)), contentType: FORMATS[format].contentType };
}
