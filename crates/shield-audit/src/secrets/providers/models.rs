//! Providers of language models.

use super::{
    super::shape::{
        Alphabet::{Base62, Base64Url},
        Part::{OneOf, Run, Text},
    },
    Provider, rule, token,
};

pub(super) const ALL: &[Provider] = &[
    token(
        rule("secret/anthropic-key", "Anthropic API key", &["anthropic-api-key", "anthropic-admin-api-key"]),
        &["sk-ant-"],
        &[&[
            OneOf(&["sk-ant-api03-", "sk-ant-admin01-", "sk-ant-oat01-"]),
            Run(Base64Url, 93, 93),
            Text("AA"),
        ]],
    ),
    token(
        // The letters in the middle are `OpenAI` in base64.
        rule("secret/openai-key", "OpenAI API key", &["openai-api-key"]),
        &["T3BlbkFJ"],
        &[&[Text("sk-"), Run(Base62, 40, 48)]],
    )
    .behind(&[23]),
    token(
        rule("secret/openai-project-key", "OpenAI project key", &["openai-api-key"]),
        &["sk-proj-", "sk-svcacct-", "sk-admin-"],
        &[&[OneOf(&["sk-proj-", "sk-svcacct-", "sk-admin-"]), Run(Base64Url, 124, 156)]],
    ),
    token(
        rule("secret/openrouter-key", "OpenRouter API key", &[]),
        &["sk-or-v1-"],
        &[&[Text("sk-or-v1-"), Run(Base62, 64, 64)]],
    ),
    token(
        rule("secret/perplexity-key", "Perplexity API key", &["perplexity-api-key"]),
        &["pplx-"],
        &[&[Text("pplx-"), Run(Base62, 48, 48)]],
    ),
    token(rule("secret/groq-key", "Groq API key", &[]), &["gsk_"], &[&[Text("gsk_"), Run(Base62, 52, 52)]]),
    token(
        rule("secret/replicate-token", "Replicate token", &[]),
        &["r8_"],
        &[&[Text("r8_"), Run(Base62, 37, 37)]],
    ),
];
