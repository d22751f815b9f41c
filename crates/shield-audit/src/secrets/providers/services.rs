//! Other services.

use super::{
    super::shape::{
        Alphabet::{AnyHex, Base62, Base64, Base64Url, Hex},
        Part::{OneOf, Padding, Run, Text},
    },
    Provider, rule, token,
};

pub(super) const ALL: &[Provider] = &[
    token(
        rule("secret/linear-key", "Linear API key", &["linear-api-key"]),
        &["lin_api_"],
        &[&[Text("lin_api_"), Run(Base62, 40, 40)]],
    ),
    token(
        rule("secret/notion-token", "Notion token", &["notion-api-token"]),
        &["ntn_"],
        &[&[Text("ntn_"), Run(Base62, 46, 46)]],
    ),
    token(
        rule("secret/new-relic-key", "New Relic key", &["new-relic-user-api-key"]),
        &["NRAK-", "NRII-"],
        &[&[Text("NRAK-"), Run(Base62, 27, 27)], &[Text("NRII-"), Run(Base64Url, 32, 32)]],
    ),
    token(
        rule("secret/sentry-token", "Sentry token", &["sentry-org-token", "sentry-user-token"]),
        &["sntrys_", "sntryu_"],
        &[
            &[Text("sntryu_"), Run(Hex, 64, 64)],
            &[
                Text("sntrys_eyJpYXQiO"),
                Run(Base64, 40, 500),
                Padding(b'=', 2),
                Text("_"),
                Run(Base64, 43, 43),
            ],
        ],
    ),
    token(
        rule("secret/typeform-token", "Typeform token", &["typeform-api-token"]),
        &["tfp_"],
        &[&[Text("tfp_"), Run(Base64Url, 40, 60)]],
    )
    .weak(),
    token(
        rule("secret/frameio-token", "Frame.io token", &["frameio-api-token"]),
        &["fio-u-"],
        &[&[Text("fio-u-"), Run(Base64Url, 64, 64)]],
    ),
    token(
        rule("secret/intra42-secret", "42 client secret", &["intra42-client-secret"]),
        &["s-s4t2ud-", "s-s4t2af-"],
        &[&[OneOf(&["s-s4t2ud-", "s-s4t2af-"]), Run(AnyHex, 64, 64)]],
    ),
    token(
        rule("secret/supabase-token", "Supabase token", &[]),
        &["sbp_"],
        &[&[Text("sbp_"), Run(Hex, 40, 40)]],
    ),
];
