//! Payments and shops.

use super::{
    super::shape::{
        Alphabet::{AnyHex, Base62, Base64Url, Digits},
        Part::{OneOf, Run, Text},
    },
    Provider, rule, token,
};

pub(super) const ALL: &[Provider] = &[
    token(
        rule("secret/stripe-key", "Stripe key", &["stripe-access-token"]),
        &["sk_live_", "sk_test_", "sk_prod_", "rk_live_", "rk_test_", "rk_prod_"],
        &[&[
            OneOf(&["sk_live_", "sk_test_", "sk_prod_", "rk_live_", "rk_test_", "rk_prod_"]),
            Run(Base62, 16, 252),
        ]],
    ),
    token(
        rule("secret/stripe-webhook-secret", "Stripe webhook secret", &[]),
        &["whsec_"],
        &[&[Text("whsec_"), Run(Base62, 32, 80)]],
    ),
    token(
        rule("secret/square-token", "Square token", &["square-access-token"]),
        &["EAAA", "sq0atp-", "sq0csp-"],
        &[
            &[Text("sq0csp-"), Run(Base64Url, 43, 43)],
            &[Text("sq0atp-"), Run(Base64Url, 22, 60)],
            &[Text("EAAA"), Run(Base64Url, 56, 60)],
        ],
    ),
    token(
        rule("secret/shopify-token", "Shopify token", &["shopify-access-token"]),
        &["shpss_", "shpat_", "shpca_", "shppa_"],
        &[&[OneOf(&["shpss_", "shpat_", "shpca_", "shppa_"]), Run(AnyHex, 32, 32)]],
    ),
    token(
        rule("secret/shippo-token", "Shippo token", &["shippo-api-token"]),
        &["shippo_live_", "shippo_test_"],
        &[&[OneOf(&["shippo_live_", "shippo_test_"]), Run(AnyHex, 40, 40)]],
    ),
    token(
        rule("secret/easypost-token", "EasyPost token", &["easypost-api-token"]),
        &["EZAK", "EZTK"],
        &[&[OneOf(&["EZAK", "EZTK"]), Run(Base62, 54, 54)]],
    ),
    token(
        rule("secret/flutterwave-key", "Flutterwave key", &["flutterwave-secret-key"]),
        &["FLWSECK_TEST-", "FLWSECK-"],
        &[
            &[OneOf(&["FLWSECK_TEST-", "FLWSECK-"]), Run(Base62, 32, 32), Text("-X")],
            &[Text("FLWSECK_TEST"), Text("-"), Run(AnyHex, 12, 12)],
        ],
    ),
    token(
        rule("secret/duffel-token", "Duffel token", &["duffel-api-token"]),
        &["duffel_test_", "duffel_live_"],
        &[&[OneOf(&["duffel_test_", "duffel_live_"]), Run(Base64Url, 43, 43)]],
    ),
    token(
        rule("secret/facebook-token", "Facebook access token", &["facebook-page-access-token"]),
        &["EAAM", "EAAC"],
        &[&[OneOf(&["EAAM", "EAAC"]), Run(Base62, 100, 400)]],
    ),
    token(
        rule("secret/facebook-app-token", "Facebook app token", &["facebook-access-token"]),
        &["|"],
        &[&[Run(Digits, 15, 16), Text("|"), Run(Base64Url, 27, 40)]],
    )
    .behind(&[16, 15]),
    token(
        rule("secret/plaid-token", "Plaid access token", &["plaid-api-token"]),
        &["access-sandbox-", "access-development-", "access-production-"],
        &[&[
            OneOf(&["access-sandbox-", "access-development-", "access-production-"]),
            Run(AnyHex, 8, 8),
            Text("-"),
            Run(Base64Url, 27, 27),
        ]],
    ),
    token(
        rule("secret/settlemint-token", "SettleMint token", &["settlemint-application-access-token"]),
        &["sm_pat_", "sm_aat_", "sm_sat_"],
        &[&[OneOf(&["sm_pat_", "sm_aat_", "sm_sat_"]), Run(Base62, 16, 16)]],
    ),
];
