import { describe, it } from "vitest";
import { textOf } from "../../src/send/body-text";

const PNG = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13];

describe("a body as text", () => {
  it.for<[what: string, bytes: number[], contentType: string | null, text: string]>([
    ["nothing", [], "image/png", ""],
    ["UTF-8", [0x63, 0xc3, 0xa9], "text/plain", "cé"],
    ["UTF-8 by its name", [0x63, 0xc3, 0xa9], "text/plain; charset=UTF-8", "cé"],
    ["UTF-8 of a type that says nothing", [0x6f, 0x6b], "application/octet-stream", "ok"],
    ["UTF-8 without a type", [0x63, 0xc3, 0xa9], null, "cé"],
    ["Latin-1", [0x63, 0xe9], "text/plain; charset=ISO-8859-1", "cé"],
    ["Latin-1 in quotes", [0x63, 0xe9], 'text/html; x=y; CharSet = "latin1"', "cé"],
    ["Shift_JIS", [0x93, 0xfa, 0x96, 0x7b], "text/plain;charset=Shift_JIS", "日本"],
    ["EUC-KR", [0xc7, 0xd1], "text/plain;charset=euc-kr", "한"],
    ["Windows-1251", [0xcf, 0xf0], "text/plain; charset=windows-1251", "Пр"],
    ["UTF-16 by its name", [0x6f, 0, 0x6b, 0], "application/json; charset=utf-16le", "ok"],
    ["UTF-16 by its mark", [0xff, 0xfe, 0x6f, 0, 0x6b, 0], "application/json", "ok"],
    ["UTF-16, the other way round", [0xfe, 0xff, 0, 0x6f, 0, 0x6b], null, "ok"],
    ["an unknown charset", [0x63, 0xc3, 0xa9], "text/plain; charset=klingon", "cé"],
    ["a broken charset", [0x6f, 0x6b], "text/plain; charset=", "ok"],
    ["what is no UTF-8, though it says nothing else", [0x63, 0xe9], "text/plain", "c\ufffd"],
    ["an image", PNG, "image/png", "[binary, 12 bytes]"],
    ["an image that is said to be text", PNG, "text/plain; charset=utf-8", "[binary, 12 bytes]"],
    ["four bytes", [0xde, 0xad, 0xbe, 0xef], "application/octet-stream", "[binary, 4 bytes]"],
    ["a drawing", [0x3c, 0x73, 0x76, 0x67, 0x3e], "image/svg+xml", "<svg>"],
    ["colours of a terminal", [0x1b, 0x5b, 0x31, 0x6d], null, "\u001b[1m"],
  ])("%s", ([, bytes, contentType, text], { expect }) => {
    expect(textOf(Uint8Array.from(bytes), contentType, false)).toBe(text);
  });

  it("is cut on a character, under any charset, and one cut spoils no other body", ({ expect }) => {
    expect(textOf(Uint8Array.from([0x61, 0xf0, 0x9f]), null, true)).toBe("a");
    expect(textOf(Uint8Array.from([0x93, 0xfa, 0x96]), "text/plain; charset=shift_jis", true)).toBe("日");
    expect(textOf(Uint8Array.from([0x61]), null, false)).toBe("a");
    expect(textOf(Uint8Array.from([0x61, 0xf0, 0x9f]), null, false)).toBe("a\ufffd");
  });
});
