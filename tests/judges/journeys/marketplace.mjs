// A buyer on AWS Marketplace: lands, errs in the form, registers before the payment is confirmed, gets the code, renews in
// Spanish, cancels. And what goes wrong: links that are no good, payments that fail, AWS that is down, visits that are over.

export default async function (visitor) {
  const { product_code, dimensions } = visitor.local.demo.marketplace.aws.saas;
  const entitlements = [{ dimension: dimensions[0], value: 5 }];
  const buy = (more = {}) => visitor.call("/local/aws/purchases", { product_code, pricing: "contract", entitlements, ...more });
  const act = (purchase, what, body = {}) => visitor.call(`/local/aws/purchases/${purchase.agreement_id}/${what}`, body);

  // AWS's own page, as far as the buyer's browser is concerned: a form that comes from another site.
  const setUp = async (name, token, more) => {
    await visitor.read(
      "aws console",
      `<!doctype html><html lang="en"><title>AWS</title><main><h1>Manage subscriptions</h1>
       <form method="post" action="${visitor.service}/aws/landing">
       <input type="hidden" name="x-amzn-marketplace-token" value="${token}">
       <button>Set up your account</button></form></main>`,
    );
    await visitor.press(name, "Set up your account", more);
  };
  const fill = async (words = { name: "Your name", company: "Company", email: "E-mail address", terms: "I accept" }) => {
    await visitor.fill(words.name, "Ánn O'Lee <b>");
    await visitor.fill(words.company, "W".repeat(120));
    await visitor.fill(words.email, `ann.${visitor.screen.name}@example.org`);
    await visitor.tick(words.terms);
  };
  const until = async (name, text, path = "/aws/status") => {
    for (let tries = 0; tries < 40; tries += 1) {
      await new Promise((done) => setTimeout(done, 150));
      await visitor.open(name, path);
      if ((await visitor.text()).includes(text)) return true;
    }
    return false;
  };

  await setUp("no good link", "zzz", { status: 400 });

  const bought = await buy({ payment: "pending" });
  await setUp("form", bought.registration_token);
  await visitor.press("faulty form", "Register", { status: 422 });
  visitor.expect((await visitor.text()).includes("Tick the box to go on."), "faults stand beside their fields");
  await fill();
  await visitor.press("payment awaited", "Register");
  visitor.expect((await visitor.text()).includes("not confirmed"), "payment is awaited, which is no error");
  await visitor.press("payment awaited again", "Load this page again");
  await act(bought, "pay");
  visitor.expect(await until("code", "Your licence code"), "the code comes when AWS confirms the payment");
  await visitor.press("code in Spanish", "Español");
  visitor.expect((await visitor.text()).includes("Su código de licencia"), "the page speaks Spanish");
  await visitor.press("code in English again", "English");
  await act(bought, "cancel");
  visitor.expect(await until("ended", "has ended"), "an end is told");

  const poor = await buy({ pricing: "subscription", payment: "pending" });
  await setUp("second form", poor.registration_token);
  await visitor.press("form in Spanish", "Español");
  await visitor.press("faulty form in Spanish", "Registrar", { status: 422 });
  await fill({ name: "Su nombre", company: "Empresa", email: "Correo", terms: "Acepto" });
  await visitor.press("payment awaited in Spanish", "Registrar");
  await act(poor, "fail-payment");
  visitor.expect(await until("payment failed in Spanish", "Pago fallido", "/aws/status?lang=es"), "a failed payment is told");

  const late = await buy();
  await visitor.call("/local/aws/faults", { operation: "ResolveCustomer", fault: "throttle", times: 2 });
  await setUp("aws is down", late.registration_token, { status: 503 });
  await visitor.press("aws is back", "Try again");
  await visitor.call("/local/clock", { advance: "PT3H" });
  await visitor.open("visit is over", "/aws/status", { status: 401 });
  await visitor.call("/local/clock", { advance: "PT3H" });
  await setUp("link has expired", late.registration_token, { status: 400 });
}
