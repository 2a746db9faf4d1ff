namespace ControlPlane.Adapters.Choria;

using System.Diagnostics.CodeAnalysis;

/// <summary>What a node registers: the body of a request to the agent <c>registration</c>, which nobody answers.</summary>
public abstract record RegistrationBody
{
    public const string Agent = "registration";

    private RegistrationBody()
    {
    }

    /// <summary>A file on the node.</summary>
    /// <param name="File">Its path.</param>
    /// <param name="ModifiedAtSeconds">Unix seconds.</param>
    /// <param name="Updated">Whether it changed since it was last published.</param>
    /// <param name="Content">Its bytes.</param>
    public sealed record FileContent(string File, long ModifiedAtSeconds, bool Updated, ReadOnlyMemory<byte> Content) : RegistrationBody;

    /// <summary>The node's inventory: agents, classes, facts, status, collectives, build and machines.</summary>
    /// <param name="Json">One JSON object.</param>
    public sealed record InventoryContent(ReadOnlyMemory<byte> Json) : RegistrationBody;

    /// <summary>Reads a body and unpacks its content. Never throws for what it may hold.</summary>
    /// <param name="body">The body of the request.</param>
    /// <param name="decoded">What the node registers.</param>
    /// <param name="fault">What is wrong.</param>
    /// <param name="contentBytesMax">How large the unpacked content may be: a small body can hold gigabytes.</param>
    public static bool TryDecode(
        ReadOnlyMemory<byte> body,
        [NotNullWhen(true)] out RegistrationBody? decoded,
        [NotNullWhen(false)] out ChoriaFault? fault,
        int contentBytesMax = ChoriaLimits.RegistrationBytesMax) =>
        WireJson.TryRead(body, bytes => RegistrationJson.Read(bytes, contentBytesMax), out decoded, out fault);

    /// <summary>The body of the request; content is compressed unless told otherwise, as nodes do.</summary>
    public byte[] Encode(bool compress = true) => RegistrationJson.Write(this, compress);
}
