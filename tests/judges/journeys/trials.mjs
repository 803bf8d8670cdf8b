// Somebody asks for a trial, reads the mail and gets the code; asks once too often; has a link that is no good any more.

const PRODUCT = "kopicloud-ad-api";
const LANGUAGES = {
  en: { button: "Get the code", ready: "Your trial is ready" },
  es: { button: "Obtener el código", ready: "Su prueba está lista" },
};

export default async function (visitor) {
  for (const [language, words] of Object.entries(LANGUAGES)) {
    const email = `${language}.${visitor.screen.name}@example.org`;
    const link = () => askedLink(visitor, email, language);
    const first = await link();
    await visitor.open(`question ${language}`, first);
    await visitor.press(`code ${language}`, words.button, { status: 201 });
    const code = (await visitor.text()).match(/([0-9A-Z]{5}-){4}[0-9A-Z]{5}/)?.[0];
    visitor.expect(code && (await visitor.text()).includes(words.ready), "the page shows a code");

    // Looking again uses nothing up, and the code is the same.
    await visitor.open(`question again ${language}`, first);
    await visitor.press(`code again ${language}`, words.button);
    visitor.expect((await visitor.text()).includes(code), "the page shows the same code again");

    // Two links at once, and one trial is left.
    const [second, third] = [await link(), await link()];
    await visitor.open(`second question ${language}`, second);
    await visitor.press(`second code ${language}`, words.button, { status: 201 });
    await visitor.open(`third question ${language}`, third);
    await visitor.press(`limit ${language}`, words.button, { status: 422 });

    for (const [at, mail] of (await mailsTo(visitor, email)).entries()) {
      await visitor.read(`mail ${at + 1} ${language}`, mail.html);
    }
  }
  await visitor.open("dead link", `/trials/confirm?token=${"A".repeat(43)}`, { status: 404 });
  await visitor.open("cut link", "/trials/confirm?token=A", { status: 404 });
  await visitor.open("no token", "/trials/confirm", { status: 404 });
}

async function mailsTo(visitor, email) {
  return (await visitor.call("/local/outbox")).items.filter((mail) => mail.to === email);
}

async function askedLink(visitor, email, language) {
  const person = { product: PRODUCT, email, first_name: "Ánn <b>", last_name: "O'Lee & \"Co\"", company: "W".repeat(120) };
  await visitor.call("/v1/trials", person, { "accept-language": language });
  return (await mailsTo(visitor, email)).at(-1).links[0];
}
