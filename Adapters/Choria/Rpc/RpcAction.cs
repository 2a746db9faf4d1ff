namespace ControlPlane.Adapters.Choria;

using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

/// <summary>One action of an agent with typed inputs and outputs, for both who calls and who serves.</summary>
/// <typeparam name="TInput">The inputs.</typeparam>
/// <typeparam name="TOutput">The outputs.</typeparam>
public sealed class RpcAction<TInput, TOutput>
    where TInput : notnull
    where TOutput : notnull
{
    private readonly JsonTypeInfo<TInput> inputs;
    private readonly JsonTypeInfo<TOutput> outputs;

    internal RpcAction(string agent, string name, TimeSpan timeout, JsonTypeInfo<TInput> inputs, JsonTypeInfo<TOutput> outputs)
    {
        Agent = agent;
        Name = name;
        Timeout = timeout;
        this.inputs = inputs;
        this.outputs = outputs;
    }

    public string Agent { get; }

    public string Name { get; }

    /// <summary>After this the node drops its reply; callers wait 2 s longer.</summary>
    public TimeSpan Timeout { get; }

    /// <summary>The body of a request.</summary>
    public byte[] EncodeRequest(TInput input) =>
        new RpcRequest(Agent, Name, JsonSerializer.SerializeToUtf8Bytes(input, inputs)).Encode();

    /// <summary>The body of a successful reply.</summary>
    public byte[] EncodeReply(TOutput output) => RpcReply.Ok(Name, JsonSerializer.SerializeToUtf8Bytes(output, outputs)).Encode();

    /// <summary>The inputs of a request to this action. Never throws for what it may hold.</summary>
    public bool TryReadInput(RpcRequest request, [NotNullWhen(true)] out TInput? input, [NotNullWhen(false)] out ChoriaFault? fault)
    {
        ArgumentNullException.ThrowIfNull(request);
        return WireJson.TryRead(
            request.Data, data => WireJson.Read(data.Span, inputs, ChoriaLayer.RpcRequest, "data"), out input, out fault);
    }

    /// <summary>The outputs of a successful reply. Never throws for what it may hold; a reply with another status is a fault.</summary>
    public bool TryReadOutput(RpcReply reply, [NotNullWhen(true)] out TOutput? output, [NotNullWhen(false)] out ChoriaFault? fault)
    {
        ArgumentNullException.ThrowIfNull(reply);
        if (!reply.IsOk)
        {
            output = default;
            fault = new ChoriaFault(ChoriaLayer.RpcReply, "statuscode", $"is {reply.StatusCode}");
            return false;
        }

        return WireJson.TryRead(
            reply.Data, data => WireJson.Read(data.Span, outputs, ChoriaLayer.RpcReply, "data"), out output, out fault);
    }
}
