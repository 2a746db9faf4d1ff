using System.Text.Json.Serialization;

namespace ControlPlane.Nodes;

/// <summary>One call of a node in provisioning mode, as its owner asks its reception to make it.</summary>
[JsonDerivedType(typeof(FetchToken), "fetchToken")]
[JsonDerivedType(typeof(FetchInventory), "fetchInventory")]
[JsonDerivedType(typeof(MakeSigningRequest), "makeSigningRequest")]
[JsonDerivedType(typeof(MakeEd25519Key), "makeEd25519Key")]
[JsonDerivedType(typeof(Configure), "configure")]
[JsonDerivedType(typeof(Update), "update")]
[JsonDerivedType(typeof(Restart), "restart")]
[JsonDerivedType(typeof(ShutDown), "shutDown")]
internal abstract record AgentCall
{
    /// <summary>Makes the call, with the exceptions of <see cref="INodeAgent"/>.</summary>
    public abstract Task<AgentAnswer> MakeAsync(
        INodeAgent agent, string identity, NodeProtocol protocol, CancellationToken cancellationToken);

    // Records print their members, and a configuration holds secrets.
    public sealed override string ToString() => GetType().Name;

    public sealed record FetchToken : AgentCall
    {
        public override async Task<AgentAnswer> MakeAsync(
            INodeAgent agent, string identity, NodeProtocol protocol, CancellationToken cancellationToken) =>
            new(Token: await agent.FetchTokenAsync(identity, protocol, cancellationToken));
    }

    public sealed record FetchInventory : AgentCall
    {
        public override async Task<AgentAnswer> MakeAsync(
            INodeAgent agent, string identity, NodeProtocol protocol, CancellationToken cancellationToken) =>
            new(Inventory: await agent.FetchInventoryAsync(identity, protocol, cancellationToken));
    }

    public sealed record MakeSigningRequest : AgentCall
    {
        public override async Task<AgentAnswer> MakeAsync(
            INodeAgent agent, string identity, NodeProtocol protocol, CancellationToken cancellationToken) =>
            new(SigningRequest: await agent.MakeSigningRequestAsync(identity, protocol, cancellationToken));
    }

    public sealed record MakeEd25519Key : AgentCall
    {
        public override async Task<AgentAnswer> MakeAsync(
            INodeAgent agent, string identity, NodeProtocol protocol, CancellationToken cancellationToken) =>
            new(Ed25519Key: await agent.MakeEd25519KeyAsync(identity, protocol, cancellationToken));
    }

    public sealed record Configure(NodeConfiguration Configuration) : AgentCall
    {
        public override async Task<AgentAnswer> MakeAsync(
            INodeAgent agent, string identity, NodeProtocol protocol, CancellationToken cancellationToken)
        {
            await agent.ConfigureAsync(identity, protocol, Configuration, cancellationToken);
            return AgentAnswer.Done;
        }
    }

    public sealed record Update(string Repository, string Version) : AgentCall
    {
        public override async Task<AgentAnswer> MakeAsync(
            INodeAgent agent, string identity, NodeProtocol protocol, CancellationToken cancellationToken)
        {
            await agent.UpdateAsync(identity, protocol, Repository, Version, cancellationToken);
            return AgentAnswer.Done;
        }
    }

    public sealed record Restart : AgentCall
    {
        public override async Task<AgentAnswer> MakeAsync(
            INodeAgent agent, string identity, NodeProtocol protocol, CancellationToken cancellationToken)
        {
            await agent.RestartAsync(identity, protocol, cancellationToken);
            return AgentAnswer.Done;
        }
    }

    public sealed record ShutDown : AgentCall
    {
        public override async Task<AgentAnswer> MakeAsync(
            INodeAgent agent, string identity, NodeProtocol protocol, CancellationToken cancellationToken)
        {
            await agent.ShutDownAsync(identity, protocol, overlay: null, cancellationToken);
            return AgentAnswer.Done;
        }
    }
}

/// <summary>What came of a call: what the node answered, or why there is no answer.</summary>
internal sealed record AgentAnswer(
    NodeTokenReply? Token = null,
    string? Inventory = null,
    SigningRequestReply? SigningRequest = null,
    Ed25519KeyReply? Ed25519Key = null,
    AgentFailure? Failure = null)
{
    public static AgentAnswer Done { get; } = new();

    public static AgentAnswer Of(Exception failure) => new(Failure: failure switch
    {
        NodeSilentException => new AgentFailure(AgentFailureKind.Silent, failure.Message),
        NodeRefusedException refused => new AgentFailure(AgentFailureKind.Refused, failure.Message, refused.Fault),
        KeyUnprovenException => new AgentFailure(AgentFailureKind.KeyUnproven, failure.Message),
        _ => new AgentFailure(AgentFailureKind.NetworkUnavailable, failure.Message),
    });

    // Records print their members, and a token proves its node.
    public override string ToString() => nameof(AgentAnswer);
}

/// <summary>Which exception of <see cref="INodeAgent"/> a call ended with.</summary>
internal enum AgentFailureKind
{
    Silent = 1,
    Refused = 2,
    NetworkUnavailable = 3,
    KeyUnproven = 4,
}

internal sealed record AgentFailure(AgentFailureKind Kind, string Message, NodeFault Fault = NodeFault.Other)
{
    public Exception ToException() => Kind switch
    {
        AgentFailureKind.Silent => new NodeSilentException(Message),
        AgentFailureKind.Refused => new NodeRefusedException(Fault, Message),
        AgentFailureKind.KeyUnproven => new KeyUnprovenException(Message),
        _ => new NetworkUnavailableException(Message),
    };
}
