/**
 * What D1 indexes of a row beyond its columns: expressions, since SQLite keeps their indexes right whoever writes the row.
 * An index is used where a query says the very same expression, so each is written here once; the migration that makes it
 * says it too, and test/config/scans.test.ts sees that they agree. A column is named without its table: an index may not.
 * @module
 */

const NAME_CHARS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
/** What follows the scheme of `url`. */
const BEHIND = "substr(url, instr(url, '://') + 3)";
/** That without the name at its head. */
const BEHIND_NAME = `ltrim(${BEHIND}, '${NAME_CHARS}')`;

/**
 * An endpoint's host, in lower case, without port and without the dot that a full name may end with. NULL where the URL
 * spells it in a way that only a parser of URLs reads (`https:/a.example`, `https://bücher.example`): it may be any.
 */
export const HOST =
  `iif(instr(url, '://') IN (5, 6) AND instr(':/?#', substr(${BEHIND_NAME} || '/', 1, 1)) > 0, ` +
  `nullif(lower(rtrim(substr(${BEHIND}, 1, length(${BEHIND}) - length(${BEHIND_NAME})), '.')), ''), NULL)`;

/** Values of a table that are sealed. */
export interface Sealed {
  table: "endpoints" | "tenants";
  /** The rows that have any: the index has no others. */
  where: string;
  /** The id of the key that sealed them, or {@link SEVERAL}. */
  keyId: string;
  /** One row can have values under several keys. */
  mixed?: true;
  /** They themselves, as JSON. */
  values: string;
}

/** What stands for the id of a key where there are several in one row. */
export const SEVERAL = "several";

/** How the beginning of a sealed value looks in a JSON text of several: nothing else in it has such characters. */
const MARK = `':"v1.'`;

/** The key of the values in a column that has several as JSON. */
function keyOfAll(column: string): string {
  const first = `substr(${column}, nullif(instr(${column}, ${MARK}), 0) + 5, 8)`;
  return `iif(instr(replace(${column}, ${MARK} || ${first}, ''), ${MARK}) > 0, '${SEVERAL}', ${first})`;
}

/** All that is sealed in D1. */
export const SEALED: readonly Sealed[] = [
  { table: "endpoints", where: "secret <> ''", keyId: "substr(secret, 4, 8)", values: "json_array(secret)" },
  {
    table: "endpoints",
    where: "next_secret IS NOT NULL",
    keyId: "substr(next_secret, 4, 8)",
    values: "json_array(next_secret)",
  },
  {
    table: "endpoints",
    where: "headers IS NOT NULL",
    keyId: keyOfAll("headers"),
    mixed: true,
    values: "headers",
  },
  {
    table: "endpoints",
    where: "later_secrets IS NOT NULL",
    keyId: keyOfAll("later_secrets"),
    mixed: true,
    values: "(SELECT json_group_array(json_extract(value, '$.secret')) FROM json_each(later_secrets))",
  },
  {
    table: "tenants",
    where: "callback_secret IS NOT NULL",
    keyId: "substr(callback_secret, 4, 8)",
    values: "json_array(callback_secret)",
  },
];
