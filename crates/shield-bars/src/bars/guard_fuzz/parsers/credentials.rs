//! Tokens, cookies, keys. Whatever is made of them, nothing is taken that was not made here.

use std::time::Duration;

use ring::rand::SystemRandom;
use shield_guard::{
    AccountId, ApiKeyId, ScopeTable, SessionId, TokenId,
    api_key::{ApiKeyFormat, ApiKeyIndex, ApiKeyOrder, ApiKeyPolicy, ApiKeyRandom, Environment},
    one_time::OneTimeToken,
    session::{SESSION_COOKIE, SameSite, SessionCookie, SessionSecret},
    token::{
        AccessClaims, Algorithm, KeyRing, RefreshGrant, RefreshLife, RefreshSecrets, RefreshTokens,
        RotationSchedule, SigningKey, TokenPolicy, TokenSettings, VerifiedToken,
    },
    totp::RecoveryCode,
};
use shield_types::{Secret, Timestamp};

use super::{Target, bits_of, holds, mix};

const BEGAN: Timestamp = Timestamp(1_790_000_000_000);
const NOW: Timestamp = Timestamp(BEGAN.0 + 60_000);
const ALGORITHMS: [Algorithm; 3] = [Algorithm::EdDsa, Algorithm::Es256, Algorithm::Hs256];

/// Keys of one algorithm, and the token that they signed.
struct Signed {
    ring: KeyRing,
    token: VerifiedToken,
}

fn session() -> SessionId {
    SessionId::new(BEGAN, [3; 10])
}

fn account() -> AccountId {
    AccountId::new(BEGAN, [1; 10])
}

/// Access tokens of each algorithm, and refresh tokens.
pub(super) fn tokens() -> Target {
    let settings = TokenSettings {
        issuer: "https://link.example".to_owned(),
        audience: "linkshield".to_owned(),
        lifetime: Duration::from_mins(15),
    };
    let scopes = ScopeTable::new(&["account", "url_check"]).expect("two names of scopes");
    let policy = TokenPolicy::new(settings, scopes).expect("settings within their ranges");
    let (mut seeds, mut signed) = (Vec::new(), Vec::new());
    for (number, algorithm) in (1_u8..).zip(ALGORITHMS) {
        let random = SystemRandom::new();
        let key = SigningKey::generate(algorithm, &random).expect("the system has random bytes");
        let ring = KeyRing::begin(RotationSchedule::default(), key, BEGAN);
        let claims = AccessClaims {
            account: account(),
            session: session(),
            token: TokenId::new(NOW, [number; 10]),
            scopes: policy.scopes().all(),
        };
        let text = policy.issue(&ring, &claims, NOW, &random).expect("the ring has a key that signs").text;
        let token = policy.verify(&ring, text.expose().as_bytes(), NOW).expect("a good token");
        seeds.push(text.expose().clone().into_bytes());
        signed.push(Signed { ring, token });
    }
    let secrets = RefreshSecrets::new(&Secret::new([5; 32]), &[]).expect("one secret");
    let refresh = RefreshTokens::new(secrets);
    let grant = RefreshGrant { session: session(), account: account(), life: RefreshLife::Day };
    let (_family, token) = refresh.begin(grant, NOW, &Secret::new([6; 32]));
    seeds.push(token.text().expose().clone().into_bytes());
    let check = move |input: &[u8]| {
        let mut bits = 0;
        for Signed { ring, token } in &signed {
            let answer = match policy.verify(ring, input, NOW) {
                Ok(verified) => {
                    // Another spelling of a signature may be taken; it is the same token.
                    holds(verified == *token, "a token that was never signed is taken")?;
                    1
                }
                Err(refusal) => bits_of(&refusal),
            };
            bits = mix(bits, answer);
        }
        let answer = match refresh.read(input) {
            Ok(read) => {
                holds(read.session == session(), "a refresh token that was never made is taken")?;
                1
            }
            Err(refusal) => bits_of(&refusal),
        };
        Ok(mix(bits, answer))
    };
    let words = &["{\"alg\":\"none\"}", "eyJhbGciOiJub25lIn0", "..", "shield_rt_", "EdDSA", "ES256", "HS256"];
    Target { name: "token", seeds, words, check: Box::new(check) }
}

/// The session's cookie among others, in several lines.
pub(super) fn cookies() -> Target {
    let cookie = SessionCookie::new(SESSION_COOKIE, SameSite::Strict).expect("guard's own name");
    let pair = format!("__Host-session={}", SessionSecret::new([7; 32]).text().expose());
    let seeds = [
        pair.clone(),
        format!("a=b; {pair}; c=\"d\""),
        format!("theme=dark\n{pair}"),
        format!("{pair}; {pair}"),
        "__Host-session=garbage".to_owned(),
    ];
    let seeds = seeds.map(String::into_bytes).to_vec();
    let check = move |input: &[u8]| match cookie.read(input.split(|byte| *byte == b'\n')) {
        Ok(Some(secret)) => {
            let taken = format!("__Host-session={}", secret.text().expose());
            let times = input.windows(taken.len()).filter(|window| *window == taken.as_bytes()).count();
            holds(times >= 1, "a secret that did not come is read")?;
            Ok(1)
        }
        Ok(None) => Ok(2),
        Err(refusal) => Ok(bits_of(&refusal)),
    };
    let words = &["__Host-session=", "; ", "\n", "__Secure-session=", "session=", "; __Host-session="];
    Target { name: "cookie", seeds, words, check: Box::new(check) }
}

/// API keys, the tokens of letters, recovery codes.
pub(super) fn keys() -> Target {
    let format = ApiKeyFormat::new("ls").expect("two lower-case letters");
    let policy = ApiKeyPolicy::new(format.clone());
    let index = ApiKeyIndex::new(10);
    let order = ApiKeyOrder {
        account: account(),
        name: "bar",
        scopes: Default::default(),
        environment: Environment::Live,
        life: None,
    };
    let random = ApiKeyRandom { id: [1; 10], key: [2; 32] };
    let made = policy.make(&order, NOW, random).expect("a key within its ranges");
    index.insert(&made.record).expect("there is room for one");
    let (key, id): (Vec<u8>, ApiKeyId) = (made.text.expose().clone().into_bytes(), made.record.id);
    let test = format.issue(Environment::Test, [4; 32]).text.expose().clone().into_bytes();
    let code = RecoveryCode::new([8; _]);
    let letter = OneTimeToken::new([9; _]).text().expose().clone().into_bytes();
    let seeds = vec![key.clone(), test, letter, code.text().expose().clone().into_bytes()];
    let check = move |input: &[u8]| {
        let mut bits = match format.parse(input) {
            Ok(presented) => {
                holds(format.begins(input) && input.is_ascii(), "a key with another form is read")?;
                match index.find(&presented, NOW) {
                    Ok(grant) => {
                        holds(input == key && grant.id == id, "a key that nobody was given is found")?;
                        1
                    }
                    Err(_) => 2,
                }
            }
            Err(refusal) => bits_of(&refusal),
        };
        if let Ok(text) = std::str::from_utf8(input) {
            if let Ok(token) = OneTimeToken::parse(text) {
                holds(token.text().expose() == text, "a token of a letter has two spellings")?;
                bits = mix(bits, 3);
            }
            if let Ok(code) = RecoveryCode::parse(text) {
                let again = RecoveryCode::parse(code.text().expose());
                let same = again.is_ok_and(|again| again.digest(account()) == code.digest(account()));
                holds(same, "a recovery code is read in two ways")?;
                bits = mix(bits, 4);
            }
        }
        Ok(bits)
    };
    Target { name: "key", seeds, words: &["ls_live_", "ls_test_", "-", " ", "=="], check: Box::new(check) }
}
