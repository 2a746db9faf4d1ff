using System.Buffers;
using System.Collections.ObjectModel;
using System.Text.Json;
using ControlPlane.Overlays;

namespace ControlPlane.Provisioning;

/// <summary>Makes the <c>server.conf</c> of a node. Pure.</summary>
/// <remarks>Keys: choria-protocol §9.2. Limits: the DDL of <c>choria_provision#configure</c>, which intermediaries may enforce.</remarks>
internal static class NodeSettings
{
    private static readonly SearchValues<char> NotInNames = SearchValues.Create("=#\r\n \t");

    public const int SettingsJsonLengthMax = 2048;
    public const int CertificateLengthMax = 10_240;
    public const int ChainLengthMax = 20_480;
    public const int ServerTokenLengthMax = 2048;

    public static NodeConfiguration Build(
        string identity, PendingCredentials pending, string serverToken, OverlayOptions overlay, ProvisioningOptions options)
    {
        // Operators' own lines come first, so that none of them can undo what makes the node ours.
        var settings = new SortedDictionary<string, string>(overlay.Configuration, StringComparer.Ordinal)
        {
            ["identity"] = identity,
            ["collectives"] = string.Join(',', overlay.Collectives),
            ["main_collective"] = overlay.Collectives[0],
            // Without this line the node would enter provisioning again, for ever.
            ["plugin.choria.server.provision"] = "false",
            ["plugin.choria.middleware_hosts"] = string.Join(',', overlay.Brokers),
            ["plugin.choria.use_srv"] = "false",
        };

        if (pending.Ed25519PublicKey is not null)
        {
            AddTokenSecurity(settings, pending, options);
        }
        else
        {
            AddFileSecurity(settings, pending);
        }

        return new NodeConfiguration(
            new ReadOnlyDictionary<string, string>(settings),
            pending.Certificate?.CertificatePem ?? "",
            pending.Certificate?.ChainPem ?? "",
            pending.SslDirectory ?? "",
            serverToken,
            overlay.ActionPolicies,
            overlay.OpaPolicies);
    }

    /// <summary>What the node, or someone between us and it, would refuse; empty when nothing.</summary>
    public static IReadOnlyList<string> Faults(NodeConfiguration configuration)
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
                faults.Add($"the setting '{key}' is empty or has a line break; mend it under Overlays:Members");
            }

            if (key.Length == 0 || key.AsSpan().ContainsAny(NotInNames))
            {
                faults.Add($"'{key}' is not the name of a setting; mend it under Overlays:Members");
            }
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

    private static void AddFileSecurity(SortedDictionary<string, string> settings, PendingCredentials pending)
    {
        settings["plugin.security.provider"] = "file";
        settings["plugin.security.file.certificate"] = $"{pending.SslDirectory}/certificate.pem";
        settings["plugin.security.file.key"] = $"{pending.SslDirectory}/private.pem";
        settings["plugin.security.file.ca"] = $"{pending.SslDirectory}/ca.pem";
    }

    private static void AddTokenSecurity(SortedDictionary<string, string> settings, PendingCredentials pending, ProvisioningOptions options)
    {
        settings["plugin.security.provider"] = "choria";
        settings["plugin.security.choria.token_file"] = $"{pending.Directory}/server.jwt";
        settings["plugin.security.choria.seed_file"] = $"{pending.Directory}/server.seed";
        settings["plugin.security.issuer.names"] = string.Join(',', options.Issuers.Keys.Order(StringComparer.Ordinal));
        foreach (var (organization, publicKey) in options.Issuers)
        {
            settings[$"plugin.security.issuer.{organization}.public"] = publicKey;
        }

        if (pending.Certificate is not null)
        {
            settings["plugin.security.choria.certificate"] = $"{pending.SslDirectory}/certificate.pem";
            settings["plugin.security.choria.key"] = $"{pending.SslDirectory}/private.pem";
            settings["plugin.security.choria.ca"] = $"{pending.SslDirectory}/ca.pem";
        }
    }
}
