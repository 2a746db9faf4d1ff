using ControlPlane.Adapters.Choria;
using ControlPlane.FleetSimulator.Nodes;

namespace ControlPlane.FleetSimulator.Agents;

/// <summary>The actions after which the process is gone: none of them takes the lock, but for the update.</summary>
internal static class Departing
{
    private const int DefaultSplaySeconds = 10;
    private const int RestartSecondsMin = 2;
    private static readonly TimeSpan UpdateDelay = TimeSpan.FromSeconds(2);

    public static Reaction Restart(AgentCall call, NodeView node)
    {
        var inputs = new GoArguments(call, "RestartRequest");
        var (secret, splay) = (inputs.Text("token"), inputs.Integer("splay"));
        if ((inputs.Fault ?? ProvisionAgent.WrongSecret(secret, node)) is { } refusal)
        {
            return new Reaction(refusal);
        }

        var file = node.Profile.ConfigurationFile;
        if (node.Files.Configuration is not { } configuration)
        {
            return new Reaction(AgentReply.Abort(
                $"Configuration {file} could not be parsed, restart cannot continue: open {file}: no such file or directory"));
        }

        if (configuration.Provision == true)
        {
            return new Reaction(AgentReply.Abort($"Configuration {file} enables provisioning, restart cannot continue"));
        }

        var seconds = node.Random.Next(splay <= 0 ? DefaultSplaySeconds : splay) + RestartSecondsMin;
        return Leave(node, $"Restarting Choria Server after {seconds}s", new Departure(true, TimeSpan.FromSeconds(seconds)));
    }

    public static Reaction Reprovision(AgentCall call, NodeView node)
    {
        if (node.Process.IsProvisioning)
        {
            return new Reaction(AgentReply.Abort("Server is already in provisioning mode, cannot enable provisioning mode again"));
        }

        var inputs = new GoArguments(call, "ReprovisionRequest");
        var secret = inputs.Text("token");
        if ((inputs.Fault ?? ProvisionAgent.WrongSecret(secret, node)) is { } refusal)
        {
            return new Reaction(refusal);
        }

        var seconds = node.Random.Next(DefaultSplaySeconds) + RestartSecondsMin;
        var left = Leave(node, $"Restarting after {seconds}s", new Departure(true, TimeSpan.FromSeconds(seconds)));
        return left with
        {
            Files = node.Files with { Configuration = NodeConfiguration.ForReprovisioning(node.Files.Configuration?.LogFile) },
        };
    }

    public static Reaction Shutdown(AgentCall call, NodeView node)
    {
        var inputs = new GoArguments(call, "ShutdownRequest");
        var secret = inputs.Text("token");
        if ((inputs.Fault ?? ProvisionAgent.WrongSecret(secret, node)) is { } refusal)
        {
            return new Reaction(refusal);
        }

        // No shutdown event: the real agent means to send one, and it never reaches the wire.
        var seconds = node.Random.Next(DefaultSplaySeconds);
        return Leave(node, $"Shutting Choria Server down after {seconds}s", new Departure(false, TimeSpan.FromSeconds(seconds))) with
        {
            Event = null,
        };
    }

    public static Reaction Update(AgentCall call, NodeView node)
    {
        if (!node.Profile.Token.AllowsUpdate)
        {
            return new Reaction(AgentReply.Abort("Version updates is not enabled in the configuration"));
        }

        var inputs = new GoArguments(call, "ReleaseUpdateRequest");
        var (secret, repository, version) = (inputs.Text("token"), inputs.Text("repository"), inputs.Text("version"));
        if ((inputs.Fault ?? ProvisionAgent.WrongSecret(secret, node)) is { } refusal)
        {
            return new Reaction(refusal);
        }

        // There is no binary to swap. A repository without a URL fails as a download would; any other is taken to have worked.
        return Uri.IsWellFormedUriString(repository, UriKind.Absolute) && version.Length > 0
            ? Leave(node, "Restarting Choria Server after 2s", new Departure(true, UpdateDelay)) with
            {
                Files = node.Files with { Version = version },
            }
            : new Reaction(AgentReply.Abort($"Update to version {version} failed, release rolled back: invalid repository"));
    }

    private static Reaction Leave(NodeView node, string message, Departure departure) => new(AgentReply.Ok(message))
    {
        Process = node.Process with { IsLeaving = true },
        Event = LifecycleKind.Shutdown,
        Departure = node.Profile.RestartDelay is { } shortened ? departure with { Delay = shortened } : departure,
    };
}
