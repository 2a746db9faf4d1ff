using System.Security.Cryptography;
using System.Text.Encodings.Web;
using ControlPlane.Adapters.Choria;
using ControlPlane.Adapters.Fleet.Signing;
using ControlPlane.Nodes;
using ControlPlane.Store;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Options;

namespace ControlPlane.Access;

/// <summary>Says who a request is by: the holder of a Choria client token, whose key signed the request.</summary>
internal sealed class ChoriaAuthentication(
    IOptionsMonitor<AuthenticationSchemeOptions> schemes,
    ILoggerFactory loggers,
    UrlEncoder encoder,
    IOptions<ChoriaCallersOptions> options,
    ChoriaCallerTrust trust,
    ChoriaCallers callers,
    TimeProvider time)
    : AuthenticationHandler<AuthenticationSchemeOptions>(schemes, loggers, encoder)
{
    public const string SchemeName = "Choria";

    /// <summary>The purpose of the tokens of callers.</summary>
    public const string Purpose = "choria_client_id";

    private const string ChainIssuerPrefix = "I-";

    public static void AddTo(AuthenticationBuilder authentication)
    {
        var services = authentication.Services;
        services.AddSingleton<IValidateOptions<ChoriaCallersOptions>, ChoriaCallersOptionsValidator>();
        services.AddOptions<ChoriaCallersOptions>().BindConfiguration(ChoriaCallersOptions.Section).ValidateOnStart();
        services.AddSingleton<ChoriaCallerTrust>();
        services.AddChoriaCallers();
        authentication.AddScheme<AuthenticationSchemeOptions, ChoriaAuthentication>(SchemeName, null);
    }

    protected override async Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        var token = PresentedCredential.Of(Context).Token!.Text;
        if (!trust.Tokens.TryVerify(token, time.GetUtcNow(), out ClientClaims? claims, out var fault))
        {
            return AuthenticateResult.Fail(fault.Detail);
        }

        // What vouches for others' tokens is kept where those are made; it is nobody's to call with.
        if (claims.Issuer?.StartsWith(ChainIssuerPrefix, StringComparison.Ordinal) == true)
        {
            return AuthenticateResult.Fail("the token is that of a chain issuer");
        }

        if (await SignatureFaultAsync(token, claims) is { } unproven)
        {
            return AuthenticateResult.Fail(unproven);
        }

        if (!AccessClaims.IsName(claims.CallerId))
        {
            return AuthenticateResult.Fail("the token's callerid is not a name");
        }

        var (caller, unknown) = await callers.FindAsync(claims, Callers.AddressOf(Context));
        return caller is not null
            ? AuthenticateResult.Success(new AuthenticationTicket(AccessClaims.Of(caller), SchemeName))
            : AuthenticateResult.Fail(unknown!);
    }

    private async Task<string?> SignatureFaultAsync(string token, ClientClaims claims)
    {
        if (RequestSignature.ReadOrNull(Request.Headers[RequestSignature.Header].ToString()) is not { } signature)
        {
            return $"the request has no {RequestSignature.Header}, or one that cannot be read";
        }

        if ((time.GetUtcNow() - signature.At).Duration() > options.Value.SignatureAge)
        {
            return "the request's signature is of another time";
        }

        var target = Context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        var request = new SignedRequest(Request.Method, Request.Host.Value!, target, await DigestOfBodyAsync());
        if (!signature.IsBy(claims.PublicKey!, token, request))
        {
            Context.Items[CallLimits.ProvenPrincipal] = await callers.PrincipalOfAsync(claims);
            return "the request is not signed by the token's key";
        }

        try
        {
            // Twice the age: one that is ahead of us is good for that long.
            var asked = Context.RequestServices.GetRequiredService<IAskedOnce>();
            return await asked.TryRecordAsync(
                $"signature:{claims.PublicKey}:{signature.Nonce}", options.Value.SignatureAge * 2, Context.RequestAborted)
                ? null
                : "the request's signature was used before";
        }
        catch (StoreUnavailableException)
        {
            return "whether the request's signature was used before cannot be told now";
        }
    }

    // Read here and again by the endpoint. How long it may be, the server has been told before.
    private async Task<byte[]> DigestOfBodyAsync()
    {
        Request.EnableBuffering();
        var digest = await SHA256.HashDataAsync(Request.Body, Context.RequestAborted);
        Request.Body.Position = 0;
        return digest;
    }
}

/// <summary>Whose tokens callers may show. A request has a handler of its own, and the keys are read once.</summary>
internal sealed class ChoriaCallerTrust(IOptions<ProvisioningOptions> provisioning)
{
    public TokenTrust Tokens { get; } = TokenTrust.InOrganizations(provisioning.Value.Issuers);
}
