namespace ControlPlane.Overlays;

/// <summary>The nodes of one shard as they are stored: overlays and attributes, which repeat a great deal, once each.</summary>
/// <remarks>Restoring a million nodes would otherwise make two million texts that are thrown away at once.</remarks>
[GenerateSerializer, Immutable, Alias("ControlPlane.PackedShard")]
internal sealed record PackedShard([property: Id(0)] string[] Texts, [property: Id(1)] PackedNode[] Nodes)
{
    private const int None = -1;

    public static PackedShard Of(IReadOnlyCollection<PlacedNode> nodes)
    {
        var numbers = new Dictionary<string, int>(StringComparer.Ordinal);
        var texts = new List<string>();
        var packed = new PackedNode[nodes.Count];
        var at = 0;
        foreach (var node in nodes)
        {
            packed[at++] = new PackedNode(
                node.Identity, node.Home is null
                    ? None
                    : NumberOf(node.Home), node.HomeAttempt, node.Held, NumberOf(node.Attributes), node.Declared, node.Trace);
        }

        return new PackedShard([.. texts], packed);

        int NumberOf(string text)
        {
            if (!numbers.TryGetValue(text, out var number))
            {
                numbers[text] = number = texts.Count;
                texts.Add(text);
            }

            return number;
        }
    }

    /// <param name="share">Gives the one instance of a text that all shards share.</param>
    public IEnumerable<PlacedNode> Unpack(Func<string, string> share)
    {
        var texts = Array.ConvertAll(Texts, text => share(text));
        foreach (var node in Nodes)
        {
            yield return new PlacedNode(
                node.Identity, node.Home == None
                    ? null
                    : texts[node.Home], node.HomeAttempt, node.Held, texts[node.Attributes], node.Declared, node.Trace);
        }
    }
}

/// <param name="Identity">The node's identity.</param>
/// <param name="Home">Number of the text; -1 for none.</param>
/// <param name="HomeAttempt">As <see cref="PlacedNode.HomeAttempt"/>.</param>
/// <param name="Held">As <see cref="PlacedNode.Held"/>.</param>
/// <param name="Attributes">Number of the text.</param>
/// <param name="Declared">As <see cref="PlacedNode.Declared"/>.</param>
/// <param name="Trace">As <see cref="PlacedNode.Trace"/>.</param>
[GenerateSerializer, Immutable, Alias("ControlPlane.PackedNode")]
internal readonly record struct PackedNode(
    [property: Id(0)] string Identity,
    [property: Id(1)] int Home,
    [property: Id(2)] int HomeAttempt,
    [property: Id(3)] Reservation? Held,
    [property: Id(4)] int Attributes,
    [property: Id(5)] int Declared,
    [property: Id(6)] byte[] Trace);
