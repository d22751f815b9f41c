//! Chat, mail and telephony.

use super::{
    super::shape::{
        Alphabet::{AnyHex, Base62, Base64, Base64Url, Digits, Hex, Upper},
        Part::{OneOf, Run, Text},
    },
    Provider, rule, token,
};

pub(super) const ALL: &[Provider] = &[
    token(
        rule(
            "secret/slack-token",
            "Slack token",
            &["slack-bot-token", "slack-user-token", "slack-app-token"],
        ),
        &["xoxb-", "xoxp-", "xoxe-", "xoxe.xox", "xoxa-", "xoxr-", "xoxo-", "xoxs-", "xapp-"],
        &[
            &[
                Text("xoxb-"),
                Run(Digits, 8, 14),
                Text("-"),
                Run(Base62, 10, 26),
                Text("-"),
                Run(Base64Url, 1, 64),
            ],
            &[Text("xoxb-"), Run(Digits, 8, 14), Text("-"), Run(Base62, 18, 26)],
            &[
                OneOf(&["xoxp-", "xoxe-"]),
                Run(Digits, 10, 13),
                Text("-"),
                Run(Digits, 10, 13),
                Text("-"),
                Run(Digits, 10, 13),
                Text("-"),
                Run(Base64Url, 28, 34),
            ],
            &[
                OneOf(&["xoxo-", "xoxs-"]),
                Run(Digits, 5, 14),
                Text("-"),
                Run(Digits, 5, 14),
                Text("-"),
                Run(Digits, 5, 14),
                Text("-"),
                Run(AnyHex, 10, 80),
            ],
            &[
                Text("xapp-"),
                Run(Digits, 1, 1),
                Text("-"),
                Run(Upper, 8, 14),
                Text("-"),
                Run(Digits, 8, 14),
                Text("-"),
                Run(Base62, 20, 80),
            ],
            &[OneOf(&["xoxe.xoxb-", "xoxe.xoxp-"]), Run(Digits, 1, 1), Text("-"), Run(Base62, 163, 166)],
            &[Text("xoxe-"), Run(Digits, 1, 1), Text("-"), Run(Base62, 146, 146)],
            &[OneOf(&["xoxa-", "xoxr-"]), Run(Digits, 1, 1), Text("-"), Run(Base64Url, 12, 80)],
            &[OneOf(&["xoxa-", "xoxr-"]), Run(Base62, 12, 48)],
        ],
    ),
    token(
        rule("secret/slack-webhook", "Slack webhook", &["slack-webhook-url"]),
        &["hooks.slack.com/"],
        &[
            &[
                Text("hooks.slack.com/services/T"),
                Run(Base62, 6, 12),
                Text("/B"),
                Run(Base62, 6, 12),
                Text("/"),
                Run(Base62, 20, 26),
            ],
            &[OneOf(&["hooks.slack.com/workflows/T", "hooks.slack.com/triggers/T"]), Run(Base64, 40, 70)],
        ],
    ),
    token(
        rule("secret/teams-webhook", "Microsoft Teams webhook", &["microsoft-teams-webhook"]),
        &[".webhook.office.com/webhookb2/"],
        &[&[
            Text(".webhook.office.com/webhookb2/"),
            Run(Base64Url, 36, 36),
            Text("@"),
            Run(Base64Url, 36, 36),
            Text("/IncomingWebhook/"),
            Run(Hex, 32, 32),
            Text("/"),
            Run(Base64Url, 36, 36),
        ]],
    ),
    token(
        rule("secret/discord-webhook", "Discord webhook", &[]),
        &["discord.com/api/webhooks/", "discordapp.com/api/webhooks/"],
        &[&[
            OneOf(&["discord.com/api/webhooks/", "discordapp.com/api/webhooks/"]),
            Run(Digits, 17, 20),
            Text("/"),
            Run(Base64Url, 60, 80),
        ]],
    ),
    token(
        rule("secret/sendgrid-key", "SendGrid API key", &["sendgrid-api-token"]),
        &["SG."],
        &[&[Text("SG."), Run(Base64Url, 22, 22), Text("."), Run(Base64Url, 43, 43)]],
    ),
    token(
        rule("secret/sendinblue-key", "Brevo API key", &["sendinblue-api-token"]),
        &["xkeysib-"],
        &[&[Text("xkeysib-"), Run(Hex, 64, 64), Text("-"), Run(Base62, 16, 16)]],
    ),
    token(
        rule("secret/twilio-key", "Twilio API key", &["twilio-api-key"]),
        &["SK"],
        &[&[Text("SK"), Run(AnyHex, 32, 32)]],
    ),
    token(
        rule("secret/mailgun-key", "Mailgun key", &["mailgun-private-api-token"]),
        &["key-"],
        &[&[Text("key-"), Run(Hex, 32, 32)]],
    ),
    token(
        rule("secret/mailchimp-key", "Mailchimp API key", &["mailchimp-api-key"]),
        &["-us"],
        &[&[Run(Hex, 32, 32), Text("-us"), Run(Digits, 1, 2)]],
    )
    .behind(&[32]),
    token(
        rule("secret/resend-key", "Resend API key", &[]),
        &["re_"],
        &[&[Text("re_"), Run(Base62, 8, 8), Text("_"), Run(Base62, 24, 24)]],
    )
    .weak(),
];
