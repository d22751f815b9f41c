//! API keys: one of a million, and one that is none.

use fastrand::Rng;
use ring::digest::{SHA256, digest};
use shield_guard::{
    AccountId,
    api_key::{
        ApiKeyFormat, ApiKeyIndex, ApiKeyOrder, ApiKeyPolicy, ApiKeyRandom, Environment, NewApiKey,
        ParseApiKeyError,
    },
};
use shield_types::Timestamp;

use super::case::{Case, Primitive, Sizes, prepared};

const NOW: Timestamp = Timestamp(1_790_000_000_000);
/// Bytes that a key's digest is over.
const DIGESTED_BYTES: usize = 44;

pub(super) fn cases(sizes: &Sizes) -> Vec<Case> {
    let policy = ApiKeyPolicy::new(ApiKeyFormat::new("ls").expect("the prefix of LinkShield"));
    let index = ApiKeyIndex::new(sizes.api_keys as usize);
    for number in 0..sizes.api_keys {
        index.insert(&make(&policy, number).record).expect("the index has room");
    }
    let (format, makes, keys, mut random) =
        (policy.format.clone(), policy.clone(), sizes.api_keys, Rng::with_seed(4));
    let choose = move || make(&makes, random.u32(..keys)).text.expose().clone();
    let find = prepared(choose, move |text: &String| {
        let presented = format.parse(text.as_bytes()).expect("the text of a key");
        index.find(&presented, NOW).expect("the index has the key")
    });
    let hash = prepared(|| [7; DIGESTED_BYTES], |letters: &[u8; DIGESTED_BYTES]| digest(&SHA256, letters));
    let hash = Primitive { name: "SHA-256 of the key", operation: hash };
    let find = Case { primitive: Some(hash), ..Case::absolute("API key, any of many keys", find) };

    // Of all that is no key this takes longest: only its checksum is wrong.
    let mut malformed = make(&policy, 0).text.expose().clone();
    let last = malformed.pop();
    malformed.push(if last == Some('0') { '1' } else { '0' });
    let format = policy.format;
    assert_eq!(format.parse(malformed.as_bytes()), Err(ParseApiKeyError::Checksum), "it is malformed");
    let refuse = prepared(|| (), move |()| format.parse(malformed.as_bytes()));
    vec![find.within(600.0), Case::absolute("API key, malformed", refuse).within(50.0)]
}

fn make(policy: &ApiKeyPolicy, number: u32) -> NewApiKey {
    let account = AccountId::new(NOW, [1; 10]);
    let order = ApiKeyOrder { account, name: "", scopes: 1, environment: Environment::Live, life: None };
    let mut random = ApiKeyRandom { id: [0; 10], key: [0; 32] };
    random.id[..4].copy_from_slice(&number.to_be_bytes());
    Rng::with_seed(u64::from(number)).fill(&mut random.key);
    policy.make(&order, NOW, random).expect("an order within its ranges")
}
