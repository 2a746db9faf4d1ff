using Microsoft.Extensions.Options;
using Microsoft.Extensions.Primitives;

namespace ControlPlane.Access;

/// <summary>What a request shows of its caller, read once, and which scheme is to judge it.</summary>
/// <param name="Scheme">The authentication scheme.</param>
/// <param name="Method">The kind of credential; null when there is none.</param>
/// <param name="Token">The JSON Web Token, where it is one, unverified.</param>
/// <param name="Fault">Why no scheme is to look at it.</param>
internal sealed record PresentedCredential(string Scheme, CallerMethod? Method = null, JsonWebTokenText? Token = null, string? Fault = null)
{
    private const string BearerPrefix = "Bearer ";

    public static PresentedCredential Of(HttpContext context)
    {
        if (context.Items[typeof(PresentedCredential)] is PresentedCredential read)
        {
            return read;
        }

        var judged = Judge(context.Request.Headers.Authorization, context);
        context.Items[typeof(PresentedCredential)] = judged;
        return judged;
    }

    private static PresentedCredential Judge(StringValues authorization, HttpContext context)
    {
        var services = context.RequestServices;
        if (!services.GetRequiredService<AccessDemand>().IsOn)
        {
            return new PresentedCredential(LocalAuthentication.SchemeName);
        }

        if (authorization.Count > 1)
        {
            return Refused(CallerMethod.AccessToken, "there are several Authorization headers, which two readers could choose from differently");
        }

        var header = authorization.ToString();

        // A session is not counted among what failed to sign in: that it has ended says nothing of who shows it, and none is guessed.
        if (header.Length == 0 && SessionAuthentication.IdOf(context.Request) is not null
            && services.GetRequiredService<IOptions<SignInOptions>>().Value.ConsoleClientId.Length > 0)
        {
            return new PresentedCredential(SessionAuthentication.SchemeName);
        }

        if (header.Length == 0 && context.Connection.ClientCertificate is not null)
        {
            return new PresentedCredential(ClientCertificates.SchemeName, CallerMethod.Certificate);
        }

        if (!header.StartsWith(BearerPrefix, StringComparison.OrdinalIgnoreCase)
            || header[BearerPrefix.Length..].Trim() is var token && !JsonWebTokenText.Resembles(token))
        {
            return new PresentedCredential(TokenAuthentication.SchemeName, header.Length > 0 ? CallerMethod.AccessToken : null);
        }

        if (!JsonWebTokenText.TryRead(token, out var read, out var fault))
        {
            return Refused(CallerMethod.Oidc, fault);
        }

        if (read.Purpose == ChoriaAuthentication.Purpose)
        {
            return services.GetRequiredService<IOptions<ChoriaCallersOptions>>().Value.Enabled
                ? new PresentedCredential(ChoriaAuthentication.SchemeName, CallerMethod.ChoriaToken, read)
                : Refused(CallerMethod.ChoriaToken, "tokens of Choria are not taken here");
        }

        return services.GetRequiredService<OidcTokens>().ProviderOf(read) is { } name
            ? new PresentedCredential(OidcBearer.SchemeOf(name), CallerMethod.Oidc, read)
            : Refused(CallerMethod.Oidc, "nobody here trusts the token's issuer");
    }

    private static PresentedCredential Refused(CallerMethod method, string fault) =>
        new(RefusedAuthentication.SchemeName, method, Fault: fault);
}
