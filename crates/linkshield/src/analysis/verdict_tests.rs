//! Tables of URLs with the findings they must and must not raise, and a seeded storm of hostile texts.

use super::{Severity, ThreatLevel, analyse_text};

fn ids(text: &str) -> Vec<&'static str> {
    let report = analyse_text(text).unwrap_or_else(|error| panic!("{text:?}: {error}"));
    report.findings.iter().map(|finding| finding.id).collect()
}

fn level(text: &str) -> ThreatLevel {
    analyse_text(text).unwrap_or_else(|error| panic!("{text:?}: {error}")).level
}

/// Each URL raises exactly the listed findings besides those of severity `info`.
fn assert_findings(table: &[(&str, &[&str])]) {
    for (text, expected) in table {
        let report = analyse_text(text).unwrap_or_else(|error| panic!("{text:?}: {error}"));
        let serious = report.findings.iter().filter(|finding| finding.severity > Severity::Info);
        let mut found: Vec<&str> = serious.map(|finding| finding.id).collect();
        let mut expected = expected.to_vec();
        found.sort_unstable();
        expected.sort_unstable();
        assert_eq!(found, expected, "{text:?}");
    }
}

#[test]
fn ordinary_links_are_safe() {
    for text in [
        "https://example.com/",
        "example.com",
        "http://example.com/",
        "https://www.bbc.co.uk/news/world-europe-66012345",
        "https://www.nytimes.com/2024/05/01/us/politics/some-long-headline-with-many-words.html?smid=url-share",
        "https://en.wikipedia.org/wiki/Z%C3%BCrich",
        "https://de.wikipedia.org/wiki/Zürich",
        "https://ja.wikipedia.org/wiki/日本語",
        "https://ru.wikipedia.org/wiki/Россия",
        "https://github.com/rust-lang/rust/pull/12345/files#diff-abc",
        "https://github.com/rust-lang/rust/archive/refs/tags/1.80.0.tar.gz",
        "https://raw.githubusercontent.com/rust-lang/rust/master/README.md",
        "https://docs.rs/url/2.5.0/url/struct.Url.html",
        "https://www.amazon.com/dp/B08N5WRWNW?ref=sr_1_1&keywords=rust&qid=1700000000&sr=8-1",
        "https://shop.example.org/cart?item=1&item=2&colour=red&size=m&qty=3;promo=a|b&price=$10&x=`y`",
        "https://www.google.com/search?q=a+%26+b&ie=UTF-8&oe=UTF-8&sourceid=chrome&gs_lcp=abc&ved=0",
        "https://accounts.google.com/ServiceLogin?continue=https%3A%2F%2Fmail.google.com%2Fmail",
        "https://www.facebook.com/sharer/sharer.php?u=https%3A%2F%2Fexample.org%2Fstory",
        "https://web.archive.org/web/2020/https://example.com",
        "https://münchen.de/",
        "https://xn--mnchen-3ya.de/",
        "https://中国.cn/",
        "https://例え.jp/テスト",
        "https://россия.рф/",
        "https://www.一123.com/",
        "https://user-images.githubusercontent.com/1/2-3.png",
        "https://d1234567890.cloudfront.net/assets/app.js?v=1.2.3",
        "https://my-app.eu-west-1.elasticbeanstalk.com/",
        "https://someone.github.io/project/",
        "https://example.com:443/",
        "https://example.com:8443/admin",
        "https://example.com/a%20file%20name.pdf",
        "https://example.com/files/report.final.v2.pdf",
        "https://example.com/100%25-cotton",
        "https://calendar.example.com/?text=line%0Aline&dates=20240101T000000Z/20240102T000000Z",
        "https://www.youtube.com/watch?v=dQw4w9WgXcQ&list=PL1&index=2&t=30s",
        "https://apple.stackexchange.com/questions/1/title",
        "https://www.python.org/ftp/python/3.12.0/",
        "  https://example.com/pasted \n",
        "https://example.com/emoji/%E2%9D%A4%EF%B8%8F",
        "https://MÜNCHEN.de/",
        "https://www.example.com.edgekey.net/",
        "https://www.shop.example.co.uk.cdn.cloudflare.net/",
        "https://outlook.office.com.mcas.ms/mail",
        "https://gov.uk/browse/benefits",
        "https://nhs.uk/",
        "https://gov.br/pt-br",
        "https://github.io/",
        "https://eur03.safelinks.protection.outlook.com/?url=https%3A%2F%2Fexample.com%2F%3Fa%3Db&data=05%7C02&reserved=0",
        "http://www.facebook.com/sharer.php?u=https://example.org/story",
        "https://münchen.de:8443/",
        "http://xn--mnchen-3ya.de:8080/",
        "https://i❤.ws/",
        "https://💩.la/",
        "https://ура.ru/",
        "https://νικο.gr/",
        "https://tracker.example.ru/search?q=%C0%E2%F2%EE",
        "https://www.baidu.com/s?wd=%C0%EE%C1%AC",
        "https://s.taobao.com/search?q=%C0%AF%D6%F2",
        "https://example.com/page%E2%80%8E",
        "https://web.archive.org/web/2020/http://www.doc.com",
        "https://www.similarweb.com/website/www.pdf.com",
        "https://example.com/?url=https://txt.pdf.com",
        "https://www.google.com/maps/place/Eiffel+Tower/@48.8583701,2.2944813,17z/data=!3m1!4b1",
        "https://cdn.jsdelivr.net/npm/vue@3.4.0/dist/vue.global.js",
        "https://my-bucket.s3.eu-central-1.amazonaws.com/a.pdf?X-Amz-Credential=AKIA%2F20240101%2Fs3%2Faws4_request",
    ] {
        assert_eq!(level(text), ThreatLevel::Safe, "{text:?}: {:?}", ids(text));
    }
}

#[test]
fn judges_schemes() {
    assert_findings(&[
        ("javascript:alert(document.cookie)", &["script-scheme"]),
        ("java\tscript:alert(1)", &["script-scheme", "dropped-whitespace"]),
        ("JavaScript:alert(1)", &["script-scheme"]),
        ("vbscript:msgbox(1)", &["script-scheme"]),
        ("data:text/html,<script>alert(1)</script>", &["script-scheme"]),
        ("data:text/html;base64,PHNjcmlwdD4=", &["script-scheme"]),
        ("data:image/png;base64,iVBOR", &["data-scheme"]),
        ("file:///etc/passwd", &["local-scheme"]),
        ("search-ms:query=x", &["local-scheme"]),
        ("blob:https://example.com/1", &["wrapped-scheme"]),
        ("view-source:https://malware.test/", &["wrapped-scheme", "forwards-to-dangerous"]),
        ("bitcoin:1BoatSLRHtKNngkdXEeobR76b53LETtpyT", &["non-web-scheme"]),
        ("view-source:https://example.com/", &["wrapped-scheme"]),
        ("mailto:someone@example.com", &["non-web-scheme"]),
        ("tel:+123456", &["non-web-scheme"]),
        ("ftp://example.com/file", &["non-web-scheme"]),
    ]);
    assert_eq!(level("javascript:alert(1)"), ThreatLevel::Critical);
}

#[test]
fn judges_userinfo() {
    assert_findings(&[
        ("https://paypal.com@evil.example.net/", &["deceptive-userinfo"]),
        ("https://paypal.com:pw@login.example.net/", &["deceptive-userinfo"]),
        ("https://www.paypal.com%2Flogin@example.net/", &["deceptive-userinfo"]),
        ("https://paypal%2ecom@example.net/", &["deceptive-userinfo"]),
        ("https://admin:secret@example.net/", &["embedded-credentials"]),
        ("https://john.@example.net/", &["embedded-credentials"]),
        ("https://john.doe@example.net/", &["embedded-credentials"]),
        ("https://8.8.8.8@example.net/", &["deceptive-userinfo"]),
        ("https://paypal.com-login@example.net/", &["deceptive-userinfo"]),
        ("https://paypal.com&x=y@example.net/", &["deceptive-userinfo"]),
        ("https://paypal。com@example.net/", &["deceptive-userinfo"]),
        ("https://почта.рф@example.net/", &["deceptive-userinfo"]),
        ("https://@example.net/", &["empty-userinfo"]),
        ("https://example.net/@user", &[]),
        ("https://example.net/?mail=a@b.com", &[]),
        ("https://a@b@example.net/", &["embedded-credentials"]),
    ]);
    assert_eq!(level("https://paypal.com@evil.example.net/"), ThreatLevel::High);
}

#[test]
fn judges_addresses() {
    assert_findings(&[
        ("https://8.8.8.8/", &["ip-literal-host"]),
        ("https://[2606:4700::1111]/", &["ip-literal-host"]),
        ("https://134744072/", &["ip-literal-host", "obfuscated-ip-host"]),
        ("https://0x08080808/", &["ip-literal-host", "obfuscated-ip-host"]),
        ("https://010.8.8.8/", &["ip-literal-host", "obfuscated-ip-host"]),
        ("https://8.8/", &["ip-literal-host", "obfuscated-ip-host"]),
        ("https://0x7f.1/", &["private-target", "obfuscated-ip-host"]),
        ("https://2130706433/", &["private-target", "obfuscated-ip-host"]),
        ("https://0177.0.0.1/", &["private-target", "obfuscated-ip-host"]),
        ("https://%31%32%37.0.0.1/", &["private-target", "obfuscated-ip-host", "encoded-host"]),
        ("https://１２７.0.0.1/", &["private-target", "obfuscated-ip-host"]),
        ("https://127.0.0.1/", &["private-target"]),
        ("https://192.168.1.1/", &["private-target"]),
        ("https://10.0.0.1/", &["private-target"]),
        ("https://[::1]/", &["private-target"]),
        ("https://[fe80::1]/", &["private-target"]),
        ("https://localhost/", &["private-target"]),
        ("https://printer.local/", &["private-target"]),
        ("http://169.254.169.254/latest/meta-data/", &["metadata-target"]),
        ("http://[::ffff:169.254.169.254]/", &["metadata-target", "obfuscated-ip-host"]),
        ("http://[::ffff:808:808]/", &["ip-literal-host", "obfuscated-ip-host"]),
        ("http://[::ffff:0:7f00:1]/", &["private-target", "obfuscated-ip-host"]),
        ("http://metadata.google.internal/computeMetadata/v1/", &["metadata-target"]),
    ]);
    assert!(level("http://169.254.169.254/") >= ThreatLevel::High);
}

#[test]
fn judges_ports() {
    assert_findings(&[
        ("https://example.com:4444/", &["unusual-port"]),
        ("http://example.com:22/", &["blocked-port"]),
        ("http://example.com:8080/", &[]),
        ("http://example.com:443/", &[]),
        ("ftp://example.com:21/", &["non-web-scheme"]),
    ]);
}

#[test]
fn judges_host_shapes() {
    assert_findings(&[
        ("https://a.b.c.d.example.com/", &["deep-subdomain"]),
        ("https://a.b.c.example.com/", &[]),
        ("https://intranet-server/", &["single-label-host"]),
        ("https://com/", &["suffix-only-host"]),
        ("https://co.uk/", &["suffix-only-host"]),
        ("https://gov/", &["suffix-only-host"]),
        ("https://host.nosuchtld/", &["unlisted-suffix"]),
        ("https://a..example.com/", &["empty-host-label"]),
        ("https://example.com./", &[]),
        ("https://bargain.xyz/", &[]),
        (
            "https://abcdefghijabcdefghijabcdefghijabcdefghij.abcdefghijabcdefghijabcdefghijabcdefghij.abcdefghij.example.com/",
            &["very-long-host"],
        ),
    ]);
    assert!(ids("https://example.com./").contains(&"trailing-dot-host"));
    assert!(ids("https://bargain.xyz/").contains(&"often-abused-suffix"));
}

#[test]
fn judges_international_names() {
    assert_findings(&[
        ("https://pаypal.com/", &["mixed-script-host"]),
        ("https://xn--pypal-4ve.com/", &["mixed-script-host"]),
        ("https://аррӏе.com/", &["lookalike-letters-host"]),
        ("https://ｐａｙｐａｌ.com/", &["disguised-host-letters"]),
        ("https://℡.com/", &["disguised-host-letters"]),
        ("https://g০০gle.com/", &["mixed-script-host"]),
        ("https://ура.com/", &["lookalike-letters-host"]),
        ("https://pay\u{AD}pal.com/", &["invisible-host-characters"]),
        ("https://pay\u{200B}pal.com/", &["invisible-host-characters"]),
        ("https://example。com/", &["false-dot-host"]),
        ("https://bücher.de/", &[]),
        ("https://www.hello中国.com/", &[]),
    ]);
}

#[test]
fn judges_hidden_characters() {
    assert_findings(&[
        ("https://exam\nple.com/", &["dropped-whitespace"]),
        ("https://example.com/a\tb", &["dropped-whitespace"]),
        ("https://example.com/\u{1}b", &["control-character"]),
        ("https://example.com/invoice\u{202E}fdp.exe", &["text-direction-trick", "executable-download"]),
        ("https://example.com/invoice%E2%80%AEfdp.pdf", &["text-direction-trick"]),
        ("https://example.com/a\u{200B}b", &["invisible-character"]),
        ("https:\\\\example.com/", &["backslash-before-path"]),
        ("https://good.example.com\\@evil.net/", &["backslash-before-path"]),
        ("https://example.com/a\\b", &["backslash-in-path"]),
        ("https:example.com/", &["odd-slashes"]),
        ("https:///example.com/", &["odd-slashes"]),
    ]);
}

#[test]
fn judges_encodings() {
    assert_findings(&[
        ("https://ex%61mple.com/", &["encoded-host"]),
        ("https://example.com/%2e%2e/etc/passwd", &["encoded-traversal"]),
        ("https://example.com/..%2f..%2fetc", &["encoded-traversal"]),
        ("https://example.com/%252e%252e/x", &["encoded-traversal", "double-encoding"]),
        ("https://example.com/a%253Cb", &["double-encoding"]),
        ("https://example.com/a%00.jpg", &["encoded-nul"]),
        ("https://example.com/a%0d%0aSet-Cookie:x", &["encoded-line-break-in-path"]),
        ("https://example.com/?a=%1b%5b", &["encoded-control"]),
        ("https://example.com/%c0%ae%c0%ae/", &["overlong-encoding"]),
        ("https://example.com/?f=..%C0%AF..%C0%AFetc", &["overlong-encoding"]),
        ("https://example.com/%61%64%6d%69%6e", &["needless-encoding"]),
        ("https://example.com/../x", &[]),
        ("https://example.com/?next=a%2520b", &[]),
    ]);
}

#[test]
fn judges_downloads() {
    assert_findings(&[
        ("https://example.com/setup.exe", &["executable-download"]),
        ("https://example.com/SETUP.EXE", &["executable-download"]),
        ("https://example.com/setup.exe.", &["executable-download"]),
        ("https://example.com/invoice.pdf.exe", &["double-extension", "executable-download"]),
        ("https://example.com/photo.jpg%20.scr", &["double-extension", "executable-download"]),
        ("https://example.com/get?file=invoice.pdf.exe", &["double-extension"]),
        ("https://example.com/get?invoice.pdf.exe", &["double-extension"]),
        ("https://example.com/invoice.pdf.exe;id=1", &["double-extension", "executable-download"]),
        ("https://example.com/x;a/invoice.pdf.exe", &["double-extension", "executable-download"]),
        (
            "https://example.com/invoice.pdf.exe%00.jpg",
            &["double-extension", "executable-download", "encoded-nul"],
        ),
        ("https://example.com/invoice.pdf.com", &["double-extension"]),
        ("https://example.com/run.ps1", &["script-download"]),
        ("https://example.com/disk.iso", &["disk-image-download"]),
        ("https://example.com/q3.xlsm", &["macro-document"]),
        ("https://example.com/app.tar.gz", &[]),
        ("https://example.com/app.js", &[]),
    ]);
    assert!(level("https://example.com/invoice.pdf.exe") >= ThreatLevel::High);
}

#[test]
fn judges_forwarding() {
    assert_findings(&[
        ("https://bit.ly/abc", &["shortener"]),
        ("https://t.co/abc", &["shortener"]),
        ("https://example.com/out?url=https://other.org/", &[]),
        ("https://example.com/out?url=https://malware.test/x", &["forwards-to-dangerous"]),
        ("https://example.com/out?url=javascript:alert(1)", &["forwards-to-dangerous"]),
        ("https://example.com/out?url=http://2130706433/", &["forwards-to-dangerous"]),
        ("https://example.com/out?url=//paypal.com@other.org/", &["forwards-to-suspicious"]),
        ("https://example.com/out?url=https%253A%252F%252Fmalware.test", &["forwards-to-dangerous"]),
        (
            "https://example.com/?a=//a.org&b=//b.org&c=//c.org&d=//d.org&e=//malware.test",
            &["forwards-to-dangerous"],
        ),
        ("https://bitly.com/abc", &["shortener"]),
    ]);
    assert!(ids("https://example.com/out?url=https://other.org/").contains(&"carried-url"));
    assert!(!ids("https://example.com/out?url=https://www.example.com/").contains(&"carried-url"));
}

#[test]
fn judges_brand_decoration() {
    assert_findings(&[
        ("https://paypal.com.login.example.net/", &["embedded-brand-domain"]),
        ("https://www.paypal.com/", &[]),
        ("https://www.paypal.com.edgekey.net/", &[]),
        ("https://apple.com-login.example.net/", &[]),
    ]);
}

#[test]
fn judges_listed_threats() {
    for text in [
        "https://malware.test/",
        "https://cdn.eu.malware.test/file.js",
        "http://phish.example/login",
        "https://malware.wicar.org/data/x.html",
        "http://testsafebrowsing.appspot.com/s/malware.html",
        "https://secure.eicar.org/eicar.com.txt",
        "https://Malware.TEST./",
        "https://malware.test../",
        "https://testsafebrowsing.appspot.com/%73/malware.html",
        "https://testsafebrowsing.appspot.com//s//malware.html",
    ] {
        assert!(ids(text).contains(&"threat-list"), "{text}");
        assert_eq!(level(text), ThreatLevel::Critical, "{text}");
    }
    for text in [
        "https://notmalware.test.example.com/",
        "https://testsafebrowsing.appspot.com/",
        "https://www.eicar.org/",
    ] {
        assert!(!ids(text).contains(&"threat-list"), "{text}");
    }
}

#[test]
fn d12_loopback_executable_is_not_safe() {
    let report = analyse_text("http://127.0.0.1:1/x.exe").unwrap();
    assert!(report.level >= ThreatLevel::High, "{report:?}");
    assert!(report.confidence > 0);
}

#[test]
fn d13_single_hit_reaches_top() {
    assert_eq!(level("https://malware.test/"), ThreatLevel::Critical);
    assert_eq!(ids("https://malware.test/").iter().filter(|id| **id == "threat-list").count(), 1);
    assert_eq!(level("https://paypal.com@example.net/"), ThreatLevel::High);
}

#[test]
fn d14_query_parameters_are_no_injection() {
    for text in ["https://example.com/?a=1&b=2", "https://example.com/?a=1;b=2|c&d=$x&e=`f`&g=(h)"] {
        assert_eq!(analyse_text(text).unwrap().findings, [], "{text}");
    }
}

#[test]
fn explanations_name_the_part() {
    let report = analyse_text("https://paypal.com@evil.example.net:4444/invoice.pdf.exe").unwrap();
    for finding in &report.findings {
        assert!(finding.explanation.ends_with('.'), "{finding:?}");
        assert!(!finding.evidence.is_empty(), "{finding:?}");
    }
    assert!(report.findings[0].explanation.contains("paypal.com"));
    assert!(report.findings[0].explanation.contains("evil.example.net"));
}

/// The parts that hostile URLs are made of; the properties with shrinking are in `tests/properties.rs`.
const SHARDS: &[&str] = &[
    "http",
    "https",
    "javascript",
    "data",
    "file",
    ":",
    "//",
    "/",
    "\\",
    "@",
    "?",
    "#",
    "&",
    "=",
    "%",
    "%2e",
    "%00",
    "%25",
    "..",
    ".",
    "[",
    "]",
    "::1",
    "127.0.0.1",
    "0x7f",
    "017",
    "xn--",
    "xn--mnchen-3ya",
    "\u{430}",
    "\u{3002}",
    "\u{200b}",
    "\u{202e}",
    "\t",
    "\n",
    " ",
    "example.com",
    "co.uk",
    "malware.test",
    ".exe",
    ".pdf",
    "é",
    "\u{10ffff}",
    "65536",
    "-",
];

#[test]
fn hostile_texts_never_panic() {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = |bound: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % bound
    };
    let mut judged = 0;
    for _ in 0..20_000 {
        let text: String = (0..=next(12)).map(|_| SHARDS[next(SHARDS.len())]).collect();
        let report = analyse_text(&text);
        assert_eq!(report, analyse_text(&text), "{text:?}");
        let Ok(report) = report else { continue };
        judged += 1;
        let range = report.level.score_min()..=report.level.score_max();
        assert!(range.contains(&report.risk_score), "{text:?}: {report:?}");
        for finding in report.findings {
            assert!(!finding.explanation.chars().any(char::is_control), "{text:?}: {finding:?}");
        }
    }
    assert!(judged > 2_000, "only {judged} texts were URLs");
}
