using System.Buffers;
using System.Collections.Immutable;
using System.Text.Json;
using ControlPlane.Certificates;
using ControlPlane.Placement;

namespace ControlPlane.Nodes;

/// <summary>Makes the <c>server.conf</c> of a node. Pure.</summary>
/// <remarks>Keys: choria-protocol §9.2. Limits: the DDL of <c>choria_provision#configure</c>, which intermediaries may enforce.</remarks>
internal static class NodeSettings
{
    private const string Collectives = "collectives";
    private const string Ours = "enrolment";
    private const string OverlayOrigin = "Overlays:Members";
    private static readonly SearchValues<char> NotInNames = SearchValues.Create("=#\r\n \t");

    public const int SettingsJsonLengthMax = 2048;
    public const int CertificateLengthMax = 10_240;
    public const int ChainLengthMax = 20_480;
    public const int ServerTokenLengthMax = 2048;

    /// <summary>All lines of a node's <c>server.conf</c> with their origins; secrets are not read.</summary>
    public static ImmutableSortedDictionary<string, NodeLine> Lines(
        string identity, PendingCredentials pending, OverlayOptions overlay, ProvisioningOptions options)
    {
        // What makes the node ours comes last, so that no operator's line can undo it.
        var lines = ImmutableSortedDictionary.CreateBuilder<string, NodeLine>(StringComparer.Ordinal);
        lines.AddRange(overlay.Configuration.Select(line => KeyValuePair.Create(line.Key, new NodeLine(line.Value, OverlayOrigin))));
        var draft = pending.Draft ?? NodeDraft.Empty;
        foreach (var (key, line) in draft.Settings)
        {
            lines[key] = line;
        }

        void Say(string key, string value) => lines[key] = new NodeLine(value, Ours);
        if (!draft.Settings.ContainsKey(Collectives))
        {
            Say(Collectives, string.Join(',', overlay.Collectives));
        }

        Say("identity", identity);
        Say("main_collective", overlay.Collectives[0]);
        // Without this line the node would enter provisioning again, for ever.
        Say("plugin.choria.server.provision", "false");
        Say("plugin.choria.middleware_hosts", string.Join(',', overlay.Brokers));
        Say("plugin.choria.use_srv", "false");
        if (pending.Ed25519PublicKey is not null)
        {
            SayTokenSecurity(Say, pending, options);
        }
        else
        {
            SayFileSecurity(Say, pending);
        }

        return lines.ToImmutable();
    }

    /// <summary>The collectives that the lines put the node in.</summary>
    public static string[] CollectivesIn(IReadOnlyDictionary<string, NodeLine> lines) => lines[Collectives].Value
        .Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);

    /// <summary>An overlay's policy files, and over them those of a node's layers.</summary>
    public static ImmutableSortedDictionary<string, NodeLine> PoliciesOf(
        IReadOnlyDictionary<string, string> overlays, IReadOnlyDictionary<string, NodeLine>? layers) => overlays
        .ToImmutableSortedDictionary(policy => policy.Key, policy => new NodeLine(policy.Value, OverlayOrigin), StringComparer.Ordinal)
        .SetItems(layers ?? NodeDraft.Empty.ActionPolicies);

    /// <param name="lines">Its lines.</param>
    /// <param name="pending">What was made for it.</param>
    /// <param name="certificate">Its certificate, or nothing.</param>
    /// <param name="serverToken">Its token, or nothing.</param>
    /// <param name="overlay">The overlay that it goes to.</param>
    /// <param name="secrets">The values of those lines that are secrets.</param>
    public static NodeConfiguration Build(
        ImmutableSortedDictionary<string, NodeLine> lines,
        PendingCredentials pending,
        IssuedCertificate? certificate,
        string serverToken,
        OverlayOptions overlay,
        IReadOnlyDictionary<string, string> secrets) => new(
            lines.ToImmutableSortedDictionary(
                line => line.Key, line => line.Value.IsSecret ? secrets[line.Key] : line.Value.Value, StringComparer.Ordinal),
            certificate?.CertificatePem ?? "",
            certificate?.ChainPem ?? "",
            pending.SslDirectory ?? "",
            serverToken,
            TextsOf(PoliciesOf(overlay.ActionPolicies, pending.Draft?.ActionPolicies)),
            TextsOf(PoliciesOf(overlay.OpaPolicies, pending.Draft?.OpaPolicies)));

    /// <summary>How a node will log in that is configured so.</summary>
    public static NodeLogin LoginOf(NodeConfiguration configuration, PendingCredentials pending)
    {
        // With a server token it verifies brokers only where it is told by which CA, which may be a file of its own.
        var hasToken = pending.Ed25519PublicKey is not null;
        var verifies = configuration.ChainPem.Length > 0 && (!hasToken || pending.Certificate is not null);
        return new NodeLogin(
            configuration.Settings["plugin.choria.middleware_hosts"],
            verifies ? configuration.ChainPem : null,
            pending.Certificate is not null,
            hasToken ? pending.OrganizationUnit ?? "choria" : null,
            configuration.Settings.GetValueOrDefault("plugin.nats.user"),
            configuration.Settings.GetValueOrDefault("plugin.nats.pass"));
    }

    /// <summary>What the node, or someone between us and it, would refuse; empty when nothing.</summary>
    public static IReadOnlyList<string> Faults(NodeConfiguration configuration, OverlayOptions overlay)
    {
        var faults = new List<string>();
        TooLong("the settings", JsonSerializer.Serialize(configuration.Settings).Length, SettingsJsonLengthMax);
        TooLong("the certificate", configuration.CertificatePem.Length, CertificateLengthMax);
        TooLong("the CA chain", configuration.ChainPem.Length, ChainLengthMax);
        TooLong("the server token", configuration.ServerToken.Length, ServerTokenLengthMax);

        foreach (var (key, value) in configuration.Settings)
        {
            if (value.Length == 0 || value.AsSpan().ContainsAny('\r', '\n'))
            {
                faults.Add($"the setting '{key}' is empty or has a line break");
            }

            if (key.Length == 0 || key.AsSpan().ContainsAny(NotInNames))
            {
                faults.Add($"'{key}' is not the name of a setting");
            }
        }

        // Without it nobody could call the node: we address it there.
        if (!configuration.Settings[Collectives].Split(',', StringSplitOptions.TrimEntries).Contains(overlay.Collectives[0]))
        {
            faults.Add($"the collectives do not hold {overlay.Collectives[0]}, the main one of its overlay");
        }

        WrongSuffix(configuration.ActionPolicies.Keys, ".policy");
        WrongSuffix(configuration.OpaPolicies.Keys, ".rego");
        return faults;

        void TooLong(string what, int length, int max)
        {
            if (length > max)
            {
                faults.Add($"{what} has {length} characters; Choria allows {max}");
            }
        }

        void WrongSuffix(IEnumerable<string> names, string suffix) =>
            faults.AddRange(names
                .Where(name => !name.EndsWith(suffix, StringComparison.Ordinal))
                .Select(name => $"the policy file '{name}' must end in {suffix}"));
    }

    private static void SayFileSecurity(Action<string, string> say, PendingCredentials pending)
    {
        say("plugin.security.provider", "file");
        say("plugin.security.file.certificate", $"{pending.SslDirectory}/certificate.pem");
        say("plugin.security.file.key", $"{pending.SslDirectory}/private.pem");
        say("plugin.security.file.ca", $"{pending.SslDirectory}/ca.pem");
    }

    private static void SayTokenSecurity(Action<string, string> say, PendingCredentials pending, ProvisioningOptions options)
    {
        say("plugin.security.provider", "choria");
        say("plugin.security.choria.token_file", $"{pending.Directory}/server.jwt");
        say("plugin.security.choria.seed_file", $"{pending.Directory}/server.seed");
        say("plugin.security.issuer.names", string.Join(',', options.Issuers.Keys.Order(StringComparer.Ordinal)));
        foreach (var (organization, publicKey) in options.Issuers)
        {
            say($"plugin.security.issuer.{organization}.public", publicKey);
        }

        if (pending.Certificate is not null)
        {
            say("plugin.security.choria.certificate", $"{pending.SslDirectory}/certificate.pem");
            say("plugin.security.choria.key", $"{pending.SslDirectory}/private.pem");
            say("plugin.security.choria.ca", $"{pending.SslDirectory}/ca.pem");
        }
    }

    private static ImmutableSortedDictionary<string, string> TextsOf(ImmutableSortedDictionary<string, NodeLine> policies) =>
        policies.ToImmutableSortedDictionary(policy => policy.Key, policy => policy.Value.Value, StringComparer.Ordinal);
}
