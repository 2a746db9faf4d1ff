using System.Net;
using System.Net.Http.Headers;

namespace ControlPlane.Adapters.Http;

/// <summary>A JSON body that is sent at most once and that knows whether it was: after that, the CA may have acted on it.</summary>
/// <remarks>
/// The platform may send a request again when a kept-alive connection turns out to be closed. For an order of a certificate that
/// would make two; refusing to be read again makes it an error that we can name.
/// </remarks>
public sealed class OnceContent : HttpContent
{
    private readonly ReadOnlyMemory<byte> json;
    private bool begun;

    public OnceContent(ReadOnlyMemory<byte> json)
    {
        this.json = json;
        Headers.ContentType = new MediaTypeHeaderValue("application/json");
    }

    /// <summary>All of it went to the connection.</summary>
    public bool WasSent { get; private set; }

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
        SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        if (begun)
        {
            throw new IOException("the connection was closed after the request had been sent; it is not sent again");
        }

        begun = true;

        // Before the write and not after: a cancellation may end the write when the bytes have gone.
        WasSent = true;
        await stream.WriteAsync(json, cancellationToken);
    }

    protected override bool TryComputeLength(out long length)
    {
        length = json.Length;
        return true;
    }
}
