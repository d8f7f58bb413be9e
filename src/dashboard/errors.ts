import { PosthornError, type Problem } from "../client/index";

/** Something that a page cannot do, in words for whoever reads it. */
export class PageError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** What is wrong with a form: messages by the field's path, as the API names it. */
export type FieldErrors = NonNullable<Problem["errors"]>;

/** What a form's change was refused with. */
export interface Refusal {
  detail: string;
  errors: FieldErrors;
}

/** The error of a form that cannot be sent as it is filled in, as if the API had refused it. */
export function refused(detail: string, errors: FieldErrors, title = "Not sent", status = 422): PosthornError {
  return new PosthornError("the form", { type: "about:blank", title, status, detail, errors }, new Headers());
}

/** Tries a change; answers what it was refused with when whoever filled in the form can mend it. Throws anything else. */
export async function refusedWith(change: () => Promise<unknown>): Promise<Refusal | null> {
  try {
    await change();
    return null;
  } catch (error) {
    const refusal = refusalOf(error);
    if (refusal === null) throw error;
    return refusal;
  }
}

/** What was read, or what reading it was refused with. Throws anything else. */
export async function readOr<T>(
  reading: Promise<T>,
): Promise<{ found: T; refusal: null } | { found: null; refusal: Refusal }> {
  try {
    return { found: await reading, refusal: null };
  } catch (error) {
    const refusal = refusalOf(error);
    if (refusal === null) throw error;
    return { found: null, refusal };
  }
}

/** The refusal that an error is; `null`: it is something else. */
export function refusalOf(error: unknown): Refusal | null {
  if (!(error instanceof PosthornError) || ![400, 409, 413, 422].includes(error.problem.status)) return null;
  const { detail, errors = [] } = error.problem;
  return { detail, errors };
}

/** The messages about a field and all that is in it. */
export function messagesOf(errors: FieldErrors, field: string): string[] {
  return errors
    .filter(({ path }) => path === field || path.startsWith(`${field}.`))
    .map(({ path, message }) => (path === field ? message : `${path.slice(field.length + 1)} ${message}`));
}
