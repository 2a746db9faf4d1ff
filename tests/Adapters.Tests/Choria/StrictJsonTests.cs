namespace ControlPlane.Adapters.Choria.Tests;

using System.Security.Cryptography;
using System.Text;

/// <summary>Every kind of message is as strict, and says at which path it is wrong.</summary>
public sealed class StrictJsonTests
{
    private const string Filter = """{"fact":[],"cf_class":[],"agent":[],"identity":[],"compound":[]}""";

    // Of each kind of message: an object that is well formed, its layer, and how it is reached.
    private static readonly Dictionary<string, (string Json, ChoriaLayer Layer, Func<string, ChoriaFault?> Read)> Kinds = new()
    {
        ["transport"] = (Transport(Secure(Request)), ChoriaLayer.Transport, FaultOfRequest),
        ["secure request"] = (Secure(Request), ChoriaLayer.SecureRequest, json => FaultOfRequest(Transport(json))),
        ["request"] = (Request, ChoriaLayer.Request, json => FaultOfRequest(Transport(Secure(json)))),
        ["secure reply"] = (SecureReply(Reply), ChoriaLayer.SecureReply, json => FaultOfReply(Transport(json))),
        ["reply"] = (Reply, ChoriaLayer.Reply, json => FaultOfReply(Transport(SecureReply(json)))),
        ["request V1"] = (RequestV1, ChoriaLayer.Request, json => FaultOfRequest(TransportV1(SecureV1(json)))),
        ["rpc request"] = (RpcBody, ChoriaLayer.RpcRequest, json => FaultOfBody<RpcRequest>(json, RpcRequest.TryDecode)),
        ["rpc reply"] = (
            """{"statuscode":0,"action":"jwt"}""", ChoriaLayer.RpcReply, json => FaultOfBody<RpcReply>(json, RpcReply.TryDecode)),
        ["rpc data"] = ("""{"jwt":"a","ecdh_public":"b"}""", ChoriaLayer.RpcReply, FaultOfData),
        ["lifecycle"] = (Lifecycle, ChoriaLayer.LifecycleEvent, json => FaultOf<LifecycleEvent>(json, LifecycleEvent.TryDecode)),
        ["cloud event"] = (
            Lifecycle, ChoriaLayer.LifecycleEvent, json => FaultOf<LifecycleEvent>(CloudEvent(json), LifecycleEvent.TryDecode)),
        ["machine"] = (Machine, ChoriaLayer.MachineEvent, json => FaultOf<MachineEvent>(json, MachineEvent.TryDecode)),
        ["registration"] = (Registration, ChoriaLayer.Registration, FaultOfRegistration),
        ["adapter"] = (Adapter, ChoriaLayer.Registration, json => FaultOf<AdapterOutput>(json, AdapterOutput.TryDecode)),
        ["claims"] = (Claims, ChoriaLayer.Token, FaultOfToken),
    };

    private delegate bool Reader<T>(ReadOnlySpan<byte> json, out T? value, out ChoriaFault? fault);

    private delegate bool MemoryReader<T>(ReadOnlyMemory<byte> json, out T? value, out ChoriaFault? fault);

    private static string Request =>
        """{"protocol":"io.choria.protocol.v2.request","message":"e30=","id":"1","sender":"s","caller":"c","collective":"choria","""
        + """ "agent":"a","ttl":60,"time":1,"filter":""" + Filter + "}";

    private static string Reply =>
        """{"protocol":"io.choria.protocol.v2.reply","message":"e30=","request":"1","sender":"s","agent":"a","time":1}""";

    private static string RequestV1 =>
        """{"protocol":"choria:request:1","message":"{}","envelope":{"requestid":"0123456789abcdef0123456789abcdef","senderid":"s","""
        + """ "callerid":"c","collective":"m","agent":"a","ttl":60,"time":1,"filter":""" + Filter + "}}";

    private static string RpcBody => """{"agent":"a","action":"b","data":{}}""";

    private static string Lifecycle =>
        """{"protocol":"io.choria.lifecycle.v1.alive","id":"1","identity":"n","component":"server","timestamp":1}""";

    private static string Machine =>
        """{"protocol":"io.choria.machine.watcher.nagios.v1.state","identity":"n","id":"1","version":"1","timestamp":1,"machine":"m"}""";

    private static string Registration => """{"protocol":"choria:registration:inventorycontent:1","content":{}}""";

    private static string Adapter => """{"protocol":"choria:adapters:jetstream:output:1","sender":"n","data":"{}"}""";

    private static string Claims => """{"purpose":"choria_provisioning","cht":"s","chu":"nats://n","exp":4102444800}""";

    public static TheoryData<string> AllKinds => [.. Kinds.Keys];

    [Theory]
    [MemberData(nameof(AllKinds))]
    public void WhatIsWellFormed_IsRead_AndSoAreUnknownFieldsAndNamesInAnotherCase(string kind)
    {
        var json = Kinds[kind].Json;

        Assert.Null(Kinds[kind].Read(json));
        Assert.Null(Kinds[kind].Read(json[..^1] + ""","unheard_of":{"a":[1,null,"x"]}}"""));
        var name = json[2..json.IndexOf('"', 2)];
        Assert.Null(Kinds[kind].Read(json.Replace($"\"{name}\":", $"\"{name.ToUpperInvariant()}\":", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("transport", "data")]
    [InlineData("secure request", "caller")]
    [InlineData("request", "caller")]
    [InlineData("secure reply", "hash")]
    [InlineData("reply", "sender")]
    [InlineData("request V1", "callerid", "envelope.callerid")]
    [InlineData("rpc request", "action")]
    [InlineData("rpc reply", "statuscode")]
    [InlineData("rpc data", "jwt", "data.jwt")]
    [InlineData("lifecycle", "identity")]
    [InlineData("cloud event", "component")]
    [InlineData("machine", "machine")]
    [InlineData("registration", "protocol")]
    [InlineData("adapter", "sender")]
    [InlineData("claims", "exp", "claims.exp", false)]
    public void AField_ThatIsTwiceOrMissing_IsAFaultAtItsPath(string kind, string field, string? path = null, bool required = true)
    {
        var (json, layer, read) = Kinds[kind];
        var at = json.IndexOf($"\"{field}\":", StringComparison.Ordinal);

        // Twice, in the same case and in another: Go would take the last one, and a reader that heeds case the first.
        foreach (var again in new[] { field, field.ToUpperInvariant() })
        {
            var twice = json.Insert(at, $"\"{again}\":{ValueOf(json, at)},");
            Assert.Equal(new ChoriaFault(layer, path ?? field, "appears twice"), read(twice));
        }

        if (required)
        {
            var missing = json.Insert(at + 1, "un");
            Assert.Equal(new ChoriaFault(layer, path ?? field, "is missing"), read(missing));
        }
    }

    [Theory]
    [InlineData("transport", "data", "1", "data")]
    [InlineData("transport", "data", "null", "data")]
    [InlineData("transport", "headers", """{"trace":[["a","b"]]}""", "headers.trace[0]")]
    [InlineData("transport", "headers", """{"trace":[null]}""", "headers.trace[0]")]
    [InlineData("transport", "headers", """{"federation":{"targets":[null]}}""", "headers.federation.targets")]
    [InlineData("secure request", "signature", "[]", "signature")]
    [InlineData("request", "ttl", "\"60\"", "ttl")]
    [InlineData("request", "time", "1.5", "time")]
    [InlineData("request", "agent", "null", "agent")]
    [InlineData("request", "filter", """{"fact":[null],"cf_class":[],"agent":[],"identity":[],"compound":[]}""", "filter.fact")]
    [InlineData("request", "filter", """{"fact":[],"cf_class":[null],"agent":[],"identity":[],"compound":[]}""", "filter.cf_class")]
    [InlineData("request", "filter", """{"fact":[],"cf_class":[],"agent":[],"identity":[],"compound":[[1]]}""", "filter.compound[0][0]")]
    [InlineData("secure reply", "hash", "true", "hash")]
    [InlineData("reply", "time", "{}", "time")]
    [InlineData("request V1", "ttl", "null", "envelope.ttl")]
    [InlineData("request V1", "message", "{}", "message")]
    [InlineData("rpc request", "data", "[]", "data")]
    [InlineData("rpc reply", "statuscode", "2147483648", "statuscode")]
    [InlineData("rpc data", "ecdh_public", "7", "data.ecdh_public")]
    [InlineData("lifecycle", "timestamp", "\"1\"", "timestamp")]
    [InlineData("lifecycle", "timestamp", "9223372036854775807", "timestamp")]
    [InlineData("lifecycle", "protocol", "\"io.choria.lifecycle.v1.unheard\"", "protocol")]
    [InlineData("cloud event", "id", "1", "id")]
    [InlineData("machine", "timestamp", "false", "timestamp")]
    [InlineData("registration", "content", "7", "content")]
    [InlineData("adapter", "data", "{}", "data")]
    [InlineData("claims", "exp", "\"x\"", "claims.exp")]
    public void AField_OfAnotherType_IsAFaultAtItsPath(string kind, string field, string value, string path)
    {
        var (json, layer, read) = Kinds[kind];
        var at = json.IndexOf($"\"{field}\":", StringComparison.Ordinal);
        var wrong = at < 0
            ? json[..^1] + $",\"{field}\":{value}}}"
            : json.Remove(at, field.Length + 3 + ValueOf(json, at).Length).Insert(at, $"\"{field}\":{value}");
        var fault = read(wrong);

        Assert.Equal((layer, path), (fault?.Layer, fault?.Field));
        Assert.NotEmpty(fault!.Problem);
    }

    [Theory]
    [MemberData(nameof(AllKinds))]
    public void WhatIsTooDeep_OrFollowedBySomething_OrNoObject_IsAFaultOfItsLayer(string kind)
    {
        var (json, layer, read) = Kinds[kind];
        var root = kind switch { "rpc data" => "data", "claims" => "claims", _ => "" };
        var deep = json[..^1] + ",\"x\":" + new string('[', ChoriaLimits.JsonDepthMax) + new string(']', ChoriaLimits.JsonDepthMax) + "}";

        var tooDeep = read(deep);
        Assert.Equal(layer, tooDeep?.Layer);

        // The data of a CloudEvent is skipped before it is read.
        var path = kind == "cloud event" ? "data" : root.Length == 0 ? "x" : root + ".x";
        Assert.StartsWith(path, tooDeep!.Field, StringComparison.Ordinal);
        Assert.Contains("depth of 64", tooDeep.Problem, StringComparison.Ordinal);

        // What is inside a larger JSON ends there: the larger one is then the one that is malformed.
        foreach (var wrong in new[] { "[]", "1" }.Concat(kind is "rpc data" or "cloud event" ? [] : [json + "x", json + "{}", "", "null"]))
        {
            var fault = read(wrong);
            Assert.Equal((layer, root), (fault?.Layer, fault?.Field));
        }
    }

    [Fact]
    public void WhatIsTooLarge_IsAFaultOfItsLayer()
    {
        var huge = new string(' ', ChoriaLimits.PayloadBytesMax + 1);
        foreach (var kind in new[] { "transport", "rpc request", "rpc reply", "lifecycle", "machine", "registration", "adapter" })
        {
            var (json, layer, read) = Kinds[kind];
            var fault = read(json + huge);
            Assert.Equal(new ChoriaFault(layer, "", $"is larger than {ChoriaLimits.PayloadBytesMax} bytes"), fault);
        }
    }

    [Fact]
    public void APath_ThatHoldsForeignNames_IsCut()
    {
        var name = new string('n', 1_000);
        var fault = Kinds["rpc data"].Read($$"""{"{{name}}":{{new string('[', 100)}}{{new string(']', 100)}}}""");

        Assert.Equal("data." + new string('n', 59) + "…", fault!.Field);
    }

    private static string ValueOf(string json, int at)
    {
        var start = json.IndexOf(':', at) + 1;
        var reader = new System.Text.Json.Utf8JsonReader(Encoding.UTF8.GetBytes(json[start..]));
        Assert.True(reader.Read());
        reader.Skip();
        return Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(json[start..]).AsSpan(0, (int)reader.BytesConsumed));
    }

    private static string Base64(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));

    private static string Transport(string secure) =>
        $$"""{"protocol":"io.choria.protocol.v2.transport","data":"{{Base64(secure)}}"}""";

    private static string TransportV1(string secure) => $$"""{"protocol":"choria:transport:1","data":"{{Base64(secure)}}"}""";

    private static string Secure(string request) =>
        $$"""{"protocol":"io.choria.protocol.v2.secure_request","request":"{{Base64(request)}}","signature":"e30=","caller":"c"}""";

    private static string SecureV1(string request) =>
        $$"""{"protocol":"choria:secure:request:1","message":{{JsonString(request)}},"signature":"insecure","pubcert":"insecure"}""";

    private static string SecureReply(string reply)
    {
        var hash = Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(reply)));
        return $$"""{"protocol":"io.choria.protocol.v2.secure_reply","reply":"{{Base64(reply)}}","hash":"{{hash}}"}""";
    }

    private static string CloudEvent(string data) =>
        $$"""{"specversion":"1.0","type":"io.choria.lifecycle.v1.alive","subject":"n","data":{{data}}}""";

    private static string JsonString(string text) => System.Text.Json.JsonSerializer.Serialize(text);

    private static ChoriaFault? FaultOfRequest(string json) => FaultOf<ReceivedRequest>(json, ChoriaEnvelope.TryDecodeRequest);

    private static ChoriaFault? FaultOfReply(string json) => FaultOf<ReceivedReply>(json, ChoriaEnvelope.TryDecodeReply);

    private static ChoriaFault? FaultOfData(string json) =>
        ProvisionAgent.Jwt.TryReadOutput(RpcReply.Ok("jwt", Encoding.UTF8.GetBytes(json)), out _, out var fault) ? null : fault;

    private static ChoriaFault? FaultOfRegistration(string json) =>
        RegistrationBody.TryDecode(Encoding.UTF8.GetBytes(json), out _, out var fault) ? null : fault;

    private static ChoriaFault? FaultOfToken(string json) => ChoriaToken.TryReadUnverified(
        TokenText.Write("EdDSA", Encoding.UTF8.GetBytes(json), _ => []), out ProvisioningClaims? _, out var fault) ? null : fault;

    private static ChoriaFault? FaultOf<T>(string json, Reader<T> read) =>
        read(Encoding.UTF8.GetBytes(json), out _, out var fault) ? null : fault;

    private static ChoriaFault? FaultOfBody<T>(string json, MemoryReader<T> read) =>
        read(Encoding.UTF8.GetBytes(json), out _, out var fault) ? null : fault;
}
