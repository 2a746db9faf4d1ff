using System.Security.Cryptography;
using System.Text.Json;
using ControlPlane.Adapters.Choria;
using ControlPlane.FleetSimulator.Keys;
using ControlPlane.FleetSimulator.Nodes;

namespace ControlPlane.FleetSimulator.Agents;

/// <summary>The action <c>configure</c>: TLS files, then the server token, then the configuration, then the policies.</summary>
internal static class Configuring
{
    // The written file begins with a comment, and Choria counts it.
    private const int CommentLines = 1;

    public static Reaction Configure(AgentCall call, NodeView node)
    {
        var inputs = new GoArguments(call, "ConfigureRequest");
        var secret = inputs.Text("token");
        var (configuration, serverToken) = (inputs.Text("config"), inputs.Text("server_jwt"));
        var tls = new TlsFiles(
            inputs.Text("certificate"), inputs.Text("ca"), inputs.Text("ssldir"), inputs.Text("key"), inputs.Text("ecdh_public"));
        var (actionPolicies, opaPolicies) = (inputs.Names("action_policies"), inputs.Names("opa_policies"));
        if ((inputs.Fault ?? ProvisionAgent.WrongSecret(secret, node) ?? Check(configuration, tls)) is { } refusal)
        {
            return new Reaction(refusal);
        }

        if (!TryReadSettings(configuration, out var settings, out var fault))
        {
            return new Reaction(AgentReply.Abort($"Could not decode configuration data: {fault}"));
        }

        var (files, tlsFault) = WriteTls(node, tls);
        if (tlsFault is not null)
        {
            return new Reaction(AgentReply.Abort($"TLS Setup Failed: {tlsFault}"));
        }

        files = files with
        {
            ServerToken = serverToken.Length > 0 ? serverToken : files.ServerToken,
            Configuration = NodeConfiguration.From(settings),
        };

        // Not atomic, as observed: the configuration has been replaced when the policies turn out to be wrong.
        var policyFault = PolicyFault(actionPolicies, ".policy", "Action") ?? PolicyFault(opaPolicies, ".rego", "Open Policy Agent");
        return policyFault is not null
            ? new Reaction(AgentReply.Abort(policyFault)) { Files = files }
            : new Reaction(AgentReply.Ok($"Wrote {settings.Count + CommentLines} lines to {node.Profile.ConfigurationFile}"))
            {
                Files = files,
                Event = LifecycleKind.Provisioned,
            };
    }

    private static AgentReply? Check(string configuration, TlsFiles tls)
    {
        if (configuration.Length == 0)
        {
            return AgentReply.Abort("Did not receive any configuration to write, cannot write a empty configuration file");
        }

        return tls.Key.Length > 0 && tls.ExchangeKey.Length == 0
            ? AgentReply.Abort("EDCH Public Key not supplied while providing a private key")
            : null;
    }

    private static bool TryReadSettings(string configuration, out Dictionary<string, string> settings, out string fault)
    {
        (settings, fault) = ([], "");
        try
        {
            using var document = JsonDocument.Parse(configuration);
            if (document.RootElement.ValueKind != JsonValueKind.Object)
            {
                var kind = GoArguments.GoName(document.RootElement.ValueKind);
                fault = $"json: cannot unmarshal {kind} into Go value of type map[string]string";
                return false;
            }

            foreach (var setting in document.RootElement.EnumerateObject())
            {
                if (setting.Value.ValueKind != JsonValueKind.String)
                {
                    fault = $"json: cannot unmarshal {GoArguments.GoName(setting.Value.ValueKind)} into Go value of type string";
                    return false;
                }

                settings[setting.Name] = setting.Value.GetString()!;
            }

            return true;
        }
        catch (JsonException unreadable)
        {
            // Go says it in other words; nobody should depend on them.
            fault = unreadable.Message;
            return false;
        }
    }

    private static (NodeFiles Files, string? Fault) WriteTls(NodeView node, TlsFiles tls)
    {
        if (tls.Certificate.Length == 0 || tls.Authorities.Length == 0 || tls.Directory.Length == 0)
        {
            return (node.Files, null);
        }

        var files = node.Files with { Certificate = tls.Certificate, Authorities = tls.Authorities };
        if (tls.Key.Length == 0)
        {
            return (files, null);
        }

        if (node.Process.ExchangeKey is not { } exchangeKey)
        {
            return (node.Files, "private key not set");
        }

        using var exchange = NodeKeyExchange.FromPrivateKey(exchangeKey);
        if (!exchange.TryDecryptKey(tls.Key, tls.ExchangeKey, out var key, out var fault))
        {
            return (node.Files, fault.ToString());
        }

        try
        {
            return (files with { PrivateKey = NodeKey.Open(key) }, null);
        }
        catch (CryptographicException unreadable)
        {
            return (node.Files, unreadable.Message);
        }
    }

    private static string? PolicyFault(IReadOnlyList<string> names, string ending, string kind)
    {
        var wrong = names.FirstOrDefault(name => name.Length > 0 && !name.EndsWith(ending, StringComparison.Ordinal));
        return wrong is null ? null : $"Could not save {kind} Policies: invalid policy file name {wrong}";
    }

    private sealed record TlsFiles(string Certificate, string Authorities, string Directory, string Key, string ExchangeKey);
}
