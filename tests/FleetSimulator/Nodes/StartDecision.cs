using System.Text.Json;
using ControlPlane.FleetSimulator.Tokens;

namespace ControlPlane.FleetSimulator.Nodes;

/// <summary>What a starting process becomes. Asked once per start, never while it runs.</summary>
internal abstract record StartDecision
{
    private StartDecision()
    {
    }

    /// <summary>It waits to be provisioned. Credentials that the old configuration names are gone.</summary>
    public sealed record Provision(NodeFiles Files) : StartDecision;

    /// <summary>It serves its fleet.</summary>
    public sealed record Serve : StartDecision;

    /// <summary>It cannot start.</summary>
    public sealed record Exit(string Reason) : StartDecision;

    public static StartDecision Take(NodeProfile profile, NodeFiles files, DateTimeOffset now)
    {
        if (files.Configuration is not { } configuration)
        {
            return new Provision(files);
        }

        if (configuration.UsesTokens && TokenFault(files, now) is not null)
        {
            // Before the option is looked at, as observed: broken credentials send the node back even if it forbids that.
            return new Provision(files with { Seed = null, ServerToken = null, Ed25519PublicKey = null });
        }

        if (configuration.Provision ?? true)
        {
            return new Provision(files);
        }

        if (configuration.UsesTokens
            && JwtClaims.ReadOrNull(files.ServerToken) is { } claims
            && JwtClaims.Text(claims, "identity") is var named
            && named != profile.Identity)
        {
            return new Exit($"identity {profile.Identity} does not match caller {named} in JWT token");
        }

        return CertificateFault(configuration, files) is { } fault ? new Exit(fault) : new Serve();
    }

    /// <summary>Why the seed and server token on disk do not make a node; null when they do.</summary>
    public static string? TokenFault(NodeFiles files, DateTimeOffset now)
    {
        if (files.Seed is null || files.ServerToken is null)
        {
            return "the seed or the server token is missing";
        }

        if (JwtClaims.ReadOrNull(files.ServerToken) is not { } claims)
        {
            return "the server token cannot be parsed";
        }

        if (JwtClaims.Text(claims, "public_key") != files.Ed25519PublicKey)
        {
            return "the server token is of another key";
        }

        var expires = Math.Min(Seconds(claims, "exp", 0), Seconds(claims, "issexp", long.MaxValue));
        return expires <= now.ToUnixTimeSeconds() ? "the server token has expired" : null;
    }

    private static string? CertificateFault(NodeConfiguration configuration, NodeFiles files)
    {
        if (!configuration.PresentsCertificate)
        {
            return null;
        }

        if (files.Certificate is null || files.PrivateKey is null)
        {
            return "the certificate or its private key is missing";
        }

        return Keys.NodeCertificates.Fault(files.Certificate, files.PrivateKey);
    }

    private static long Seconds(JsonElement claims, string name, long otherwise) =>
        claims.TryGetProperty(name, out var value) && value.TryGetInt64(out var seconds) ? seconds : otherwise;
}
