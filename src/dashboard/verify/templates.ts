/**
 * How a request is verified in languages whose frameworks differ: a function each, over the body's bytes and a way to the
 * headers. A line that begins with letters and a bar is only for those schemes: h hex, g github, t token, s standard, p
 * stripe. %H% is the signature's header, %N% that of the new secret during a rotation, %I% the id's, %T% the timestamp's, %P%
 * what stands in front of the signature.
 * @module
 */
export const TEMPLATES = {
  Go: `// body: io.ReadAll(r.Body), before anything else reads it; header: r.Header
import (
	"crypto/hmac"
hgsp|	"crypto/sha256"
s|	"encoding/base64"
hgp|	"encoding/hex"
	"net/http"
sp|	"strconv"
sp|	"strings"
sp|	"time"
)

func isGenuine(secret string, body []byte, header http.Header) bool {
s|	id, sent := header.Get("%I%"), header.Get("%T%")
s|	given := strings.Split(header.Get("%H%"), " ")
p|	var sent string
p|	var given []string
p|	for _, part := range strings.Split(header.Get("%H%"), ",") {
p|		name, value, _ := strings.Cut(part, "=")
p|		if name == "t" {
p|			sent = value
p|		} else if name == "v1" {
p|			given = append(given, value)
p|		}
p|	}
sp|	at, err := strconv.ParseInt(sent, 10, 64)
sp|	if err != nil || time.Since(time.Unix(at, 0)).Abs() > 300*time.Second {
sp|		return false
sp|	}
s|	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
s|	if err != nil {
s|		return false
s|	}
hgp|	key := []byte(secret)
hgsp|	mac := hmac.New(sha256.New, key)
s|	mac.Write([]byte(id + "." + sent + "."))
p|	mac.Write([]byte(sent + "."))
hgsp|	mac.Write(body)
hgp|	expected := "%P%" + hex.EncodeToString(mac.Sum(nil))
s|	expected := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
t|	expected := secret
hgt|	given := []string{header.Get("%H%"), header.Get("%N%")}
	for _, one := range given {
		if hmac.Equal([]byte(one), []byte(expected)) {
			return true
		}
	}
	return false
}
`,
  PHP: `<?php
// $body: file_get_contents("php://input"); $headers: array_change_key_case(getallheaders())
function is_genuine(string $secret, string $body, array $headers): bool
{
hgt|    $given = [$headers[strtolower("%H%")] ?? "", $headers[strtolower("%N%")] ?? ""];
s|    $sent = $headers["%T%"] ?? "";
s|    $given = explode(" ", $headers["%H%"] ?? "");
p|    $sent = "";
p|    $given = [];
p|    foreach (explode(",", $headers[strtolower("%H%")] ?? "") as $part) {
p|        [$name, $value] = explode("=", $part, 2) + ["", ""];
p|        if ($name === "t") $sent = $value;
p|        if ($name === "v1") $given[] = $value;
p|    }
sp|    if (!preg_match("/^\\d+$/", $sent) || abs(time() - (int) $sent) > 300) return false;
s|    $key = base64_decode(preg_replace("/^whsec_/", "", $secret));
s|    $mac = hash_hmac("sha256", ($headers["%I%"] ?? "") . ".$sent.$body", $key, true);
s|    $expected = "v1," . base64_encode($mac);
p|    $expected = hash_hmac("sha256", "$sent.$body", $secret);
hg|    $expected = "%P%" . hash_hmac("sha256", $body, $secret);
t|    $expected = $secret;
    foreach ($given as $one) {
        if (hash_equals($expected, $one)) return true;
    }
    return false;
}
`,
  Ruby: `# body: request.body.read (Rack), request.raw_post (Rails); headers: by name, as request.headers in Rails
s|require "base64"
require "openssl"

def genuine?(secret, body, headers)
hgt|  given = [headers["%H%"], headers["%N%"]]
s|  sent = headers["%T%"].to_s
s|  given = headers["%H%"].to_s.split(" ")
p|  parts = headers["%H%"].to_s.split(",").map { |part| part.split("=", 2) }
p|  sent = parts.assoc("t")&.last.to_s
p|  given = parts.select { |name, _| name == "v1" }.map(&:last)
sp|  return false unless sent.match?(/\\A\\d+\\z/) && (Time.now.to_i - sent.to_i).abs <= 300
s|  key = Base64.decode64(secret.delete_prefix("whsec_"))
s|  mac = OpenSSL::HMAC.digest("SHA256", key, "#{headers["%I%"]}.#{sent}.".b + body.b)
s|  expected = "v1,#{Base64.strict_encode64(mac)}"
p|  expected = OpenSSL::HMAC.hexdigest("SHA256", secret, "#{sent}.".b + body.b)
hg|  expected = "%P%" + OpenSSL::HMAC.hexdigest("SHA256", secret, body)
t|  expected = secret
  given.any? { |one| OpenSSL.secure_compare(one.to_s, expected) }
end
`,
  Java: `// body: request.getInputStream().readAllBytes(); header: request::getHeader (HttpServletRequest)
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
s|import java.util.Base64;
hgp|import java.util.HexFormat;
import java.util.List;
p|import java.util.ArrayList;
import java.util.function.Function;
hgsp|import javax.crypto.Mac;
hgsp|import javax.crypto.spec.SecretKeySpec;

class Webhook {
  static boolean isGenuine(String secret, byte[] body, Function<String, String> header) throws Exception {
hgt|    var given = List.of(text(header.apply("%H%")), text(header.apply("%N%")));
s|    var sent = text(header.apply("%T%"));
s|    var given = List.of(text(header.apply("%H%")).split(" "));
p|    var sent = "";
p|    var given = new ArrayList<String>();
p|    for (var part : text(header.apply("%H%")).split(",")) {
p|      if (part.startsWith("t=")) sent = part.substring(2);
p|      if (part.startsWith("v1=")) given.add(part.substring(3));
p|    }
sp|    if (!sent.matches("\\\\d{1,15}")) return false;
sp|    if (Math.abs(System.currentTimeMillis() / 1000 - Long.parseLong(sent)) > 300) return false;
s|    var key = Base64.getDecoder().decode(secret.replaceFirst("^whsec_", ""));
hgp|    var key = bytes(secret);
hgsp|    var mac = Mac.getInstance("HmacSHA256");
hgsp|    mac.init(new SecretKeySpec(key, "HmacSHA256"));
s|    mac.update(bytes(text(header.apply("%I%")) + "." + sent + "."));
p|    mac.update(bytes(sent + "."));
hgp|    var expected = "%P%" + HexFormat.of().formatHex(mac.doFinal(body));
s|    var expected = "v1," + Base64.getEncoder().encodeToString(mac.doFinal(body));
t|    var expected = secret;
    return given.stream().anyMatch(one -> MessageDigest.isEqual(bytes(one), bytes(expected)));
  }

  private static String text(String value) {
    return value == null ? "" : value;
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}
`,
  "C#": `// body: the request's bytes, copied from Request.Body; header: name => Request.Headers[name]
using System;
using System.Linq;
using System.Security.Cryptography;
using System.Text;

static class Webhook
{
    public static bool IsGenuine(string secret, byte[] body, Func<string, string?> header)
    {
hgt|        string[] given = [header("%H%") ?? "", header("%N%") ?? ""];
s|        var sent = header("%T%") ?? "";
s|        var given = (header("%H%") ?? "").Split(' ');
p|        var parts = (header("%H%") ?? "").Split(',');
p|        var sent = parts.FirstOrDefault(part => part.StartsWith("t="))?[2..] ?? "";
p|        var given = parts.Where(part => part.StartsWith("v1=")).Select(part => part[3..]).ToArray();
sp|        if (!long.TryParse(sent, out var at)) return false;
sp|        if (Math.Abs(DateTimeOffset.UtcNow.ToUnixTimeSeconds() - at) > 300) return false;
s|        var key = Convert.FromBase64String(secret.StartsWith("whsec_") ? secret[6..] : secret);
hgp|        var key = Encoding.UTF8.GetBytes(secret);
s|        byte[] signed = [.. Encoding.UTF8.GetBytes($"{header("%I%")}.{sent}."), .. body];
p|        byte[] signed = [.. Encoding.UTF8.GetBytes($"{sent}."), .. body];
hg|        var signed = body;
hgsp|        var mac = HMACSHA256.HashData(key, signed);
hgp|        var expected = "%P%" + Convert.ToHexString(mac).ToLowerInvariant();
s|        var expected = "v1," + Convert.ToBase64String(mac);
t|        var expected = secret;
        return given.Any(one => CryptographicOperations.FixedTimeEquals(
            Encoding.UTF8.GetBytes(one), Encoding.UTF8.GetBytes(expected)));
    }
}
`,
  Rust: `// cargo add hmac@0.12 sha2@0.10 hex@0.4 base64@0.22; body: the request's bytes; header: by name
s|use base64::{engine::general_purpose::STANDARD, Engine};
use hmac::{Hmac, Mac};
use sha2::Sha256;

fn is_genuine(secret: &str, body: &[u8], header: impl Fn(&str) -> Option<String>) -> bool {
    let mac = |key: &[u8], parts: &[&[u8]]| {
        let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key of any length will do");
        parts.iter().for_each(|part| mac.update(part));
        mac
    };
hgt|    let given: Vec<String> = ["%H%", "%N%"].iter().filter_map(|name| header(name)).collect();
s|    let (id, sent) = (header("%I%").unwrap_or_default(), header("%T%").unwrap_or_default());
sp|    let value = header("%H%").unwrap_or_default();
p|    let sent = value.split(',').find_map(|part| part.strip_prefix("t=")).unwrap_or("");
sp|    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |d| d.as_secs());
sp|    if !sent.parse::<u64>().is_ok_and(|at| at.abs_diff(now) <= 300) {
sp|        return false;
sp|    }
s|    let Ok(key) = STANDARD.decode(secret.trim_start_matches("whsec_")) else { return false };
s|    value.split(' ').filter_map(|one| one.strip_prefix("v1,")).any(|one| {
s|        let head = format!("{id}.{sent}.");
s|        STANDARD.decode(one).is_ok_and(|one| mac(&key, &[head.as_bytes(), body]).verify_slice(&one).is_ok())
s|    })
p|    let head = format!("{sent}.");
p|    value.split(',').filter_map(|part| part.strip_prefix("v1=")).any(|one| {
p|        hex::decode(one).is_ok_and(|one| mac(secret.as_bytes(), &[head.as_bytes(), body]).verify_slice(&one).is_ok())
p|    })
hg|    given.iter().filter_map(|one| one.strip_prefix("%P%")).any(|one| {
hg|        hex::decode(one).is_ok_and(|one| mac(secret.as_bytes(), &[body]).verify_slice(&one).is_ok())
hg|    })
t|    // Hashed first, so that the time tells nothing of where they differ.
t|    let _ = body;
t|    let expected = mac(b"compared", &[secret.as_bytes()]).finalize().into_bytes();
t|    given.iter().any(|one| mac(b"compared", &[one.as_bytes()]).verify_slice(&expected).is_ok())
}
`,
} as const;

/** The languages that there is a function for. */
export type Language = keyof typeof TEMPLATES;
