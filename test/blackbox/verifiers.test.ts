/**
 * The functions that an endpoint's page prints for other languages, each compiled and run where its language is at hand.
 * @module
 */

import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, onTestFinished, test } from "vitest";
import { LANGUAGE } from "../../scripts/lib/left-out.mjs";
import type { Scheme } from "../../src/contracts/wire";
import type { Language } from "../../src/dashboard/verify/templates";
import { verifiersFor } from "../../src/dashboard/verify/verifiers";
import { sign } from "../../src/send/request/sign";
import { leaveOut } from "../lib/left-out";

const BODY = '{"id":"evt_1","data":{"name":"Grüne Ähre","n":1.0}}\n';

/** What a program is asked, a line each: the secret, the body in base64, and the headers. */
interface Case {
  secret: string;
  body: string;
  headers: Record<string, string>;
  genuine: boolean;
}

/** A whole program around the function, and how it is run: it reads `cases` and prints `true` or `false` for each. */
interface Harness {
  /** What has to be there; `null`: nothing is known to say so but trying. */
  wants: [name: string, command: string, ...args: string[]];
  files: (code: string) => Record<string, string>;
  commands: string[][];
}

const CARGO = `[package]
name = "check"
version = "0.1.0"
edition = "2021"
[dependencies]
hmac = "0.12"
sha2 = "0.10"
hex = "0.4"
base64 = "0.22"
`;

const HARNESSES: Record<Language, Harness> = {
  Go: {
    wants: ["Go", "go", "version"],
    files: (code) => ({
      "verify.go": `package main\n${code}`,
      "main.go": `package main
import ("bufio"; "encoding/base64"; "fmt"; "net/http"; "os"; "strings")
func main() {
	file, _ := os.Open("cases")
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		parts := strings.Split(lines.Text(), "\\t")
		body, _ := base64.StdEncoding.DecodeString(parts[1])
		header := http.Header{}
		for _, pair := range parts[2:] {
			name, value, _ := strings.Cut(pair, "=")
			header.Set(name, value)
		}
		fmt.Println(isGenuine(parts[0], body, header))
	}
}`,
    }),
    commands: [["go", "run", "main.go", "verify.go"]],
  },
  PHP: {
    wants: ["PHP", "php", "--version"],
    files: (code) => ({
      "verify.php": code,
      "main.php": `<?php require "verify.php";
foreach (file("cases", FILE_IGNORE_NEW_LINES) as $line) {
    $parts = explode("\\t", $line);
    $headers = [];
    foreach (array_slice($parts, 2) as $pair) { [$name, $value] = explode("=", $pair, 2); $headers[strtolower($name)] = $value; }
    echo is_genuine($parts[0], base64_decode($parts[1]), $headers) ? "true\\n" : "false\\n";
}`,
    }),
    commands: [["php", "main.php"]],
  },
  Ruby: {
    wants: ["Ruby", "ruby", "--version"],
    files: (code) => ({
      "verify.rb": code,
      "main.rb": `require_relative "verify"
File.readlines("cases", chomp: true, encoding: "UTF-8").each do |line|
  secret, body, *pairs = line.split("\\t")
  puts genuine?(secret, body.unpack1("m0"), pairs.to_h { |pair| pair.split("=", 2) }) ? "true" : "false"
end`,
    }),
    commands: [["ruby", "main.rb"]],
  },
  Java: {
    wants: ["Java", "javac", "-version"],
    files: (code) => ({
      "Webhook.java": code,
      "Main.java": `import java.nio.file.*; import java.util.*;
class Main {
  public static void main(String[] args) throws Exception {
    for (var line : Files.readAllLines(Path.of("cases"))) {
      var parts = line.split("\\t");
      var headers = new HashMap<String, String>();
      for (var pair : List.of(parts).subList(2, parts.length)) headers.put(pair.split("=", 2)[0], pair.split("=", 2)[1]);
      System.out.println(Webhook.isGenuine(parts[0], Base64.getDecoder().decode(parts[1]), headers::get));
    }
  }
}`,
    }),
    commands: [
      ["javac", "-encoding", "UTF-8", "Main.java", "Webhook.java"],
      ["java", "-cp", ".", "Main"],
    ],
  },
  "C#": {
    wants: [".NET", "dotnet", "--version"],
    files: (code) => ({
      "Webhook.cs": code,
      "Program.cs": `foreach (var line in System.IO.File.ReadAllLines("cases"))
{
    var parts = line.Split('\\t');
    var headers = System.Linq.Enumerable.ToDictionary(parts[2..], pair => pair.Split('=', 2)[0], pair => pair.Split('=', 2)[1]);
    var genuine = Webhook.IsGenuine(parts[0], System.Convert.FromBase64String(parts[1]), name => headers.GetValueOrDefault(name));
    System.Console.WriteLine(genuine ? "true" : "false");
}`,
      "check.csproj": `<Project Sdk="Microsoft.NET.Sdk"><PropertyGroup><OutputType>Exe</OutputType><TargetFramework>net8.0</TargetFramework>
<RollForward>Major</RollForward><Nullable>enable</Nullable><ImplicitUsings>enable</ImplicitUsings></PropertyGroup></Project>`,
    }),
    commands: [["dotnet", "run"]],
  },
  Rust: {
    wants: ["Rust", "cargo", "--version"],
    files: (code) => ({
      "Cargo.toml": CARGO,
      "src/main.rs": `${code}
fn main() {
    for line in std::fs::read_to_string("cases").unwrap().lines() {
        let parts: Vec<&str> = line.split('\\t').collect();
        let body = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, parts[1]).unwrap();
        let header = |name: &str| parts[2..].iter().find_map(|pair| pair.strip_prefix(&format!("{name}="))).map(String::from);
        println!("{}", is_genuine(parts[0], &body, header));
    }
}`,
    }),
    commands: [["cargo", "run", "--quiet", "--offline"]],
  },
};

/** Rust's crates come from its registry, which a test does not ask. */
const CRATES = "the language Rust with its crates hmac, sha2, hex and base64";

function has(command: string, args: readonly string[]): boolean {
  try {
    execFileSync(command, args, { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/** What the function is asked under a scheme, and what it has to answer. */
async function casesOf(scheme: Scheme, header: string | null): Promise<Case[]> {
  const whsec = scheme === "standard" || scheme === "svix";
  const secretOf = (fill: number) =>
    whsec ? `whsec_${Buffer.alloc(32, fill).toString("base64")}` : `a-secret-of-${fill}`;
  const [old, renewed, other] = [secretOf(1), secretOf(2), secretOf(3)];
  const now = Math.floor(Date.now() / 1_000);
  const signed = async (secrets: [string, ...string[]], timestamp = now) =>
    sign({ scheme, header }, secrets, {
      id: "evt_1",
      timestamp,
      body: new TextEncoder().encode(BODY) as Uint8Array<ArrayBuffer>,
    });
  const [plain, both, late] = [await signed([old]), await signed([old, renewed]), await signed([old], now - 3_600)];
  const isStamped = whsec || scheme === "stripe";
  const garbled = Object.fromEntries(Object.entries(plain).map(([name]) => [name, "é,=, v1=zz v1,!"]));
  return [
    { secret: old, body: BODY, headers: plain, genuine: true },
    { secret: old, body: `${BODY} `, headers: plain, genuine: scheme === "token" },
    { secret: other, body: BODY, headers: plain, genuine: false },
    { secret: old, body: BODY, headers: both, genuine: true },
    { secret: renewed, body: BODY, headers: both, genuine: true },
    { secret: old, body: BODY, headers: late, genuine: !isStamped },
    { secret: old, body: BODY, headers: {}, genuine: false },
    { secret: old, body: BODY, headers: garbled, genuine: false },
  ];
}

const SCHEMES: [name: string, scheme: Scheme, header: string | null][] = [
  ["hex", "hex", "X-Webhook-Signature"],
  ["hex in a header of its own", "hex", "X-$Our'Own"],
  ["token", "token", "X-Webhook-Signature"],
  ["github", "github", "X-Hub-Signature-256"],
  ["standard", "standard", "webhook-signature"],
  ["svix", "svix", "svix-signature"],
  ["stripe", "stripe", "Stripe-Signature"],
];

describe.each(Object.keys(HARNESSES) as Language[])("the function in %s", (language) => {
  test.for(SCHEMES)("verifies what is signed under %s, and nothing else", async ([, scheme, header], context) => {
    const { wants, files, commands } = HARNESSES[language];
    const [name, command, ...args] = wants;
    if (!has(command, args)) leaveOut(context, LANGUAGE + name);
    const code = new Map(verifiersFor({ scheme, header })).get(language) ?? "";
    const cases = await casesOf(scheme, header);
    const directory = mkdtempSync(join(tmpdir(), "posthorn-verifier-"));
    onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
    const lines = cases.map(({ secret, body, headers }) =>
      [
        secret,
        Buffer.from(body).toString("base64"),
        ...Object.entries(headers).map(([key, value]) => `${key}=${value}`),
      ].join("\t"),
    );
    const all = { ...files(code), cases: `${lines.join("\n")}\n` };
    if (language === "Rust") execFileSync("mkdir", ["-p", join(directory, "src")]);
    for (const [file, text] of Object.entries(all)) writeFileSync(join(directory, file), text);
    // What one build made the next one takes: the crates are compiled once.
    const target = join(tmpdir(), "posthorn-verifier-target");
    const env = { ...process.env, CARGO_TARGET_DIR: target, GOFLAGS: "-mod=mod", GO111MODULE: "off" };
    let printed = "";
    for (const [program = "", ...rest] of commands) {
      const { status, stdout, stderr } = spawnSync(program, rest, { cwd: directory, env, encoding: "utf8" });
      if (status !== 0 && /no matching package|failed to (?:load|download|get)|offline/.test(stderr)) {
        leaveOut(context, CRATES);
      }
      if (status !== 0) throw new Error(`${program} ${rest.join(" ")}: ${stderr}${stdout}`);
      printed = stdout;
    }
    const answers = printed.trim().split("\n");
    context.expect(answers).toEqual(cases.map(({ genuine }) => String(genuine)));
  });
});

test("an endpoint that signs nothing has none, and no template's mark is left in any", ({ expect }) => {
  expect(verifiersFor({ scheme: "none", header: null })).toEqual([]);
  for (const [, scheme, header] of SCHEMES) {
    for (const [language, code] of verifiersFor({ scheme, header })) {
      expect(code, language).not.toMatch(/%[HNITP]%|^[hgtsp]+\|/m);
      if (language !== "PHP" && language !== "Ruby") expect(code).toContain(header);
    }
  }
});
