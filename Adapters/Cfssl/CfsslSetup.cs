using System.Net;
using ControlPlane.Adapters.Http;
using ControlPlane.Certificates;
using ControlPlane.X509;

namespace ControlPlane.Adapters.Cfssl;

/// <summary>
/// Finds out whether a cfssl is the CA that it is configured to be, with the profile and the abilities that it is said to have.
/// </summary>
internal sealed class CfsslSetup(string issuer, CfsslOptions options, IReadOnlyList<byte[]> chain, CfsslClient client)
{
    // cfssl has no list of its profiles; one that nobody can have defined shows what it does with names that it does not know.
    private const string ProfileOfNobody = "controlplane asks for what nobody defined";

    /// <summary>Asks what profile and CA there are.</summary>
    /// <exception cref="IssuerMisconfiguredException">Something else than is configured.</exception>
    /// <exception cref="IssuerUnavailableException">It did not answer.</exception>
    /// <exception cref="IssuerThrottledException">It asks to slow down.</exception>
    public async Task<CfsslProfile> AskAsync(CancellationToken cancellationToken)
    {
        var profile = await InfoAsync(options.Profile, cancellationToken);
        if (!profile.Certificate.AsSpan().SequenceEqual(chain[0]))
        {
            throw new IssuerMisconfiguredException(
                $"cfssl {issuer} signs with another CA certificate than the first of {options.ChainFile}");
        }

        return profile;
    }

    /// <summary>All that is checked once, before the first order.</summary>
    /// <inheritdoc cref="AskAsync" path="/exception"/>
    public async Task VerifyAsync(CancellationToken cancellationToken)
    {
        var profile = await AskAsync(cancellationToken);
        var fallback = await InfoAsync(ProfileOfNobody, cancellationToken);
        if (profile.Equals(fallback))
        {
            throw new IssuerMisconfiguredException(
                $"cfssl {issuer} answers for its profile '{options.Profile}' as it does for profiles that it does not know: it has none of "
                + "that name, or one that equals 'default', which then needs another expiry");
        }

        if (options.Revocation is not CfsslRevocation.None)
        {
            var probe = await client.AskAsync("revoke", new { }, cancellationToken);
            Require(probe, "revoke", "it was started without -db-config");
        }

        if (options.Revocation is CfsslRevocation.DatabaseAndList)
        {
            Require(await client.GetAsync("crl", cancellationToken), "crl", "versions before 1.6 have none");
        }
    }

    /// <summary>Whether anyone who reaches this cfssl can have it make keys and certificates.</summary>
    public async Task<bool> OffersKeysAsync(CancellationToken cancellationToken) =>
        (await client.GetAsync("newkey", cancellationToken)).Status != HttpStatusCode.NotFound;

    private async Task<CfsslProfile> InfoAsync(string profile, CancellationToken cancellationToken)
    {
        var answer = await client.AskAsync("info", new InfoBody(options.Label, profile), cancellationToken);
        if (answer.Result is not { } result)
        {
            throw CfsslFault.OfQuestion(issuer, answer);
        }

        try
        {
            using var certificate = PemCertificates.Read(result.GetProperty("certificate").GetString() ?? "")[0];
            var usages = result.GetProperty("usages").EnumerateArray().Select(usage => usage.GetString());
            return new CfsslProfile(certificate.RawData, string.Join(", ", usages), result.GetProperty("expiry").GetString() ?? "");
        }
        catch (Exception foreign) when (CaAnswer.IsForeign(foreign))
        {
            throw new IssuerMisconfiguredException($"what answers at {options.Url} is not a cfssl", foreign);
        }
    }

    private void Require(CfsslAnswer answer, string endpoint, string why)
    {
        if (answer.Status == HttpStatusCode.NotFound)
        {
            throw new IssuerMisconfiguredException(
                $"cfssl {issuer} has no '{endpoint}', which Revocation={options.Revocation} needs: {why}");
        }
    }
}
