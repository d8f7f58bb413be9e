import { describe, it } from "vitest";
import { refusal, type UrlRules } from "../../../src/lib/net/url-policy";

const RULES: UrlRules = { allowInsecure: false, ownHosts: ["posthorn.acme.workers.dev"] };
const LOCAL: UrlRules = { allowInsecure: true, ownHosts: ["localhost:8787"] };

const PUBLIC = [
  "https://hooks.example.com",
  "https://hooks.example.com/in?a=b#c",
  "https://hooks.example.com:443/in",
  "https://hooks.example.com:8443/in",
  "HTTPS://HOOKS.EXAMPLE.COM/in",
  "https://bücher.example/in",
  "https://hooks.example.com./in",
  "https://localhost.example.com/in",
  "https://internal.example.com/in",
  "https://hooks.notlocal/in",
  "https://10.0.0.1.example.com/in",
  "https://acme.workers.dev/in",
  "https://x.posthorn.acme.workers.dev/in",
];

const REFUSED: Readonly<Record<string, readonly string[]>> = {
  "no URL": [
    "",
    "nonsense",
    "//hooks.example.com/in",
    "https://",
    "https://[fe80::1%25eth0]/in",
    "https://[fe80::1%eth0]/",
  ],
  "another scheme": [
    "http://hooks.example.com/in",
    "ftp://hooks.example.com/in",
    "file:///etc/passwd",
    "javascript:alert(1)",
    "data:text/plain,x",
    "ws://hooks.example.com/in",
    "blob:https://hooks.example.com/x",
  ],
  "space and control characters": [
    " https://hooks.example.com/in",
    "https://hooks.example.com/in\n",
    "https://hooks.exa\tmple.com/in",
    "https://hooks.example.com/in\u0000",
    "https://hooks.example.com/\u2028in",
  ],
  credentials: [
    "https://me@hooks.example.com/in",
    "https://me:pw@hooks.example.com/in",
    "https://:pw@hooks.example.com/",
  ],
  "another port": [
    "https://hooks.example.com:80/in",
    "https://hooks.example.com:22/in",
    "https://hooks.example.com:0/",
  ],
  "a name of one label": ["https://intranet/in", "https://intranet./in", "https://com/in"],
  "a local name": [
    "https://localhost/in",
    "https://LOCALHOST/in",
    "https://localhost./in",
    "https://localhost../in",
    "https://app.localhost/in",
    "https://app.localhost./in",
    "https://ｌｏｃａｌｈｏｓｔ/in",
    "https://local\u00adhost/in",
    "https://%6cocalhost/in",
    "https:\\\\localhost\\in",
    "https:localhost/in",
    "https://printer.local/in",
    "https://printer.local./in",
    "https://metadata.google.internal/in",
    "https://METADATA.GOOGLE.INTERNAL./in",
    "https://router.home.arpa/in",
    "https://home.arpa/in",
  ],
  "a name with empty labels": [
    "https://hooks.example.com../in",
    "https://hooks..example.com/in",
    "https://0x7f.1../in",
  ],
  "an IPv4 address": [
    "https://127.0.0.1/in",
    "https://127.0.0.1:8443/in",
    "https://93.184.216.34/in",
    "https://169.254.169.254/latest/meta-data",
    "https://0.0.0.0/in",
    "https://255.255.255.255/in",
  ],
  "an IPv4 address in decimal": ["https://2130706433/in", "https://1572395042/in", "https://0/in"],
  "an IPv4 address in octal": ["https://0177.0.0.1/in", "https://017700000001/in", "https://0300.0250.0.1/in"],
  "an IPv4 address in hex": [
    "https://0x7f.0.0.1/in",
    "https://0x7f000001/in",
    "https://0XA9FEA9FE/in",
    "https://0x/in",
  ],
  "an IPv4 address in short": ["https://127.1/in", "https://10.1/in", "https://192.168.257/in", "https://0x7f.1/in"],
  "an IPv4 address in full-width": [
    "https://１２７.0.0.1/in",
    "https://127。0。0。1/in",
    "https://①②⑦.0.0.1/in",
    "https://127｡0｡0｡1/in",
  ],
  "an IPv4 address, percent-encoded": ["https://%31%32%37.0.0.1/in", "https://127%2e0%2e0%2e1/in"],
  "an IPv4 address with a trailing dot": ["https://127.0.0.1./in", "https://2130706433./in", "https://127.0.0.1../in"],
  "an IPv6 address": [
    "https://[::1]/in",
    "https://[::]/in",
    "https://[2606:4700::1111]/in",
    "https://[2606:4700::1111]:8443/in",
    "https://[0:0:0:0:0:0:0:1]/in",
    "https://[fe80::1]/in",
    "https://[fd00::1]/in",
  ],
  "an IPv6 address around an IPv4 one": [
    "https://[::ffff:127.0.0.1]/in",
    "https://[::ffff:7f00:1]/in",
    "https://[::127.0.0.1]/in",
    "https://[64:ff9b::127.0.0.1]/in",
    "https://[64:ff9b:1::a00:1]/in",
    "https://[2002:7f00:1::]/in",
    "https://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/in",
  ],
  "Posthorn itself": [
    "https://posthorn.acme.workers.dev/v1/tenants/acme/events",
    "https://POSTHORN.acme.workers.dev./",
    "https://posthorn.acme.workers.dev:8443/",
    "https://posthorn%2eacme.workers.dev/",
  ],
};

describe("the URL policy", () => {
  it.for(PUBLIC)("lets %s in", (url, { expect }) => {
    expect(refusal(url, RULES)).toBeNull();
  });

  it.for(Object.entries(REFUSED))("refuses %s, and says why", ([, urls], { expect }) => {
    for (const url of urls) expect(refusal(url, RULES), url).toMatch(/^(is|must) /);
  });

  it.for(["http://localhost:3000/in", "http://127.0.0.1:8788/", "http://[::1]:8080/", "https://127.0.0.1/in"])(
    "lets %s in for local work only",
    (url, { expect }) => {
      expect(refusal(url, LOCAL)).toBeNull();
      expect(refusal(url, RULES)).not.toBeNull();
    },
  );

  it.for(["", "nonsense", "ftp://localhost/in", "javascript:alert(1)", "http://me:pw@localhost/in"])(
    "refuses %j for local work too",
    (url, { expect }) => {
      expect(refusal(url, LOCAL)).not.toBeNull();
    },
  );

  it.for([
    "http://localhost:8787/v1/tenants/acme/events",
    "http://LOCALHOST.:8787/",
    "http://127.0.0.1:8787/",
    "http://127.1:8787/",
    "http://0.0.0.0:8787/",
    "http://[::1]:8787/",
    "http://[::]:8787/",
    "http://[::ffff:127.0.0.1]:8787/",
    "http://posthorn.localhost:8787/",
    "https://localhost:8787/",
  ])("refuses %s for local work too: it is Posthorn itself", (url, { expect }) => {
    expect(refusal(url, LOCAL)).toBe("must not be Posthorn itself");
    expect(refusal(url, { ...LOCAL, ownHosts: ["127.0.0.1:8787"] })).toBe("must not be Posthorn itself");
  });

  it("tells the other services of one machine from Posthorn by their ports", ({ expect }) => {
    for (const own of ["localhost:8787", "127.0.0.1:8787", "[::1]:8787", "localhost", "192.168.0.7:8787"]) {
      const rules = { allowInsecure: true, ownHosts: [own] };
      expect(refusal(`http://${own.replace(/(:8787)?$/, ":3000")}/`, rules), own).toBeNull();
      expect(refusal(`http://${own}/`, rules), own).toBe("must not be Posthorn itself");
    }
    expect(refusal("http://192.168.0.8:8787/", { allowInsecure: true, ownHosts: ["192.168.0.7:8787"] })).toBeNull();
    expect(refusal("https://hooks.example.com/", { allowInsecure: false, ownHosts: ["not a host", ""] })).toBeNull();
  });
});
