namespace ControlPlane.Adapters.Choria;

/// <summary>Where in the nesting of a Choria message something is wrong.</summary>
public enum ChoriaLayer
{
    Transport = 1,
    SecureRequest = 2,
    Request = 3,
    SecureReply = 4,
    Reply = 5,
    RpcRequest = 6,
    RpcReply = 7,
    LifecycleEvent = 8,
    MachineEvent = 9,
    Registration = 10,
    Token = 11,
    Key = 12,
    Submission = 13,
}

/// <summary>Why bytes from outside are not the Choria message they should be.</summary>
/// <param name="Layer">The layer that cannot be read.</param>
/// <param name="Field">The path of the field within the layer; empty when it is the layer as a whole.</param>
/// <param name="Problem">What is wrong with it, to be read after the field's name. Never holds the content of a field that is JSON.</param>
public sealed record ChoriaFault(ChoriaLayer Layer, string Field, string Problem)
{
    public override string ToString() => Field.Length == 0 ? $"{Layer} {Problem}" : $"{Layer}.{Field} {Problem}";
}

/// <summary>The one exception for bytes that cannot be read. <c>TryDecode</c> methods never throw it; they return the fault.</summary>
public sealed class ChoriaFormatException(ChoriaFault fault, Exception? inner = null) : FormatException(fault.ToString(), inner)
{
    public ChoriaFault Fault { get; } = fault;
}
